/* Bokeh draws on canvases, in colours that it reads from CSS. When the theme changes it must draw again; and a canvas that
   prints is a copy of it in the colours of paper. */
(() => {
  if (window.__workbench_theme) return;
  window.__workbench_theme = true;
  const page = document.documentElement;
  const roots = () => Object.values(window.Bokeh?.index ?? {});
  const below = function* (view) { yield view; for (const child of view.child_views ?? []) yield* below(child); };
  const redraw = () => { for (const root of roots()) for (const view of below(root)) view.request_repaint?.(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(page, {attributes: true, attributeFilter: ["data-theme"]});
  if (document.body) new MutationObserver(redraw).observe(document.body, {attributes: true, attributeFilter: ["data-jp-theme-light"]});
  addEventListener("beforeprint", () => {
    const theme = page.dataset.theme;
    page.dataset.theme = "light";
    for (const root of roots()) {
      const copy = root.export?.("png")?.canvas;
      if (!copy || !root.el.closest(".wb-plot")) continue;
      copy.className = "wb-print";
      copy.style.cssText = `width: ${root.bbox.width}px`;
      root.el.closest(".wb-plot").append(copy);
    }
    if (theme === undefined) delete page.dataset.theme; else page.dataset.theme = theme;
  });
  addEventListener("afterprint", () => { for (const copy of document.querySelectorAll(".wb-print")) copy.remove(); });
})();
