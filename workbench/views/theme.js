/* Bokeh reads colours from CSS variables when it draws; when the theme changes it must draw again. */
(() => {
  if (window.__workbench_theme) return;
  window.__workbench_theme = true;
  const views = function* () {
    const walk = function* (view) { yield view; for (const child of view.children?.() ?? []) yield* walk(child); };
    for (const root of Object.values(window.Bokeh?.index ?? {})) yield* walk(root);
  };
  const redraw = () => { for (const view of views()) { view.request_paint?.("everything"); } };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  matchMedia("print").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, {attributes: true, attributeFilter: ["data-theme"]});
  new MutationObserver(redraw).observe(document.body ?? document.documentElement,
    {attributes: true, attributeFilter: ["data-jp-theme-light"]});
})();
