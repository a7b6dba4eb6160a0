/* Which page is shown follows the address, so that links, the back button and bookmarks work. */
(() => {
  const show = () => {
    const page = location.hash.startsWith("#reports") ? "reports" : "scenes";
    for (const section of document.querySelectorAll("main > section")) section.hidden = !section.classList.contains(page);
    for (const link of document.querySelectorAll(".rail a")) {
      if (link.dataset.page === page) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    }
  };
  addEventListener("hashchange", show);
  show();
})();
