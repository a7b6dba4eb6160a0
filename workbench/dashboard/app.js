/* Which page is shown follows the address, so that links, the back button and bookmarks work; the server is told. */
(() => {
  const tell = () => {
    const model = window.Bokeh?.documents?.[0]?.get_model_by_name("page-address");
    if (model) model.value = location.hash; else setTimeout(tell, 100);
  };
  const show = () => {
    const page = location.hash.startsWith("#reports") ? "reports" : "scenes";
    for (const section of document.querySelectorAll("main > section")) section.hidden = section.inert = !section.classList.contains(page);
    for (const link of document.querySelectorAll(".rail a")) {
      if (link.dataset.page === page) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    }
  };
  addEventListener("hashchange", () => { show(); tell(); });
  show();
  tell();
})();
