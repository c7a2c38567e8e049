"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));

  // Light or dark: what the system says, until the reader says otherwise.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const theme = document.querySelector(".theme");
  let chosen = null;
  const paint = () => {
    const dark = (chosen ?? (system.matches ? "dark" : "light")) === "dark";
    root.dataset.theme = dark ? "dark" : "light";
    theme.textContent = dark ? "Light" : "Dark";
    theme.setAttribute("aria-label", dark ? "Use light colors" : "Use dark colors");
  };
  theme.hidden = false;
  theme.addEventListener("click", () => { chosen = root.dataset.theme === "dark" ? "light" : "dark"; paint(); });
  system.addEventListener("change", paint);
  addEventListener("beforeprint", () => {
    root.dataset.theme = "light";
    all("details").forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", paint);
  paint();

  // Tables: click a heading to sort, type to filter.
  const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const compare = (a, b) => {
    const x = Number(a), y = Number(b);
    const bothNumbers = a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y);
    return bothNumbers ? x - y : a.localeCompare(b, "en", { numeric: true });
  };
  const sort = (table, column) => {
    const head = table.tHead.rows[0].cells[column];
    const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    // What was not measured stays at the end, whichever way the rest is sorted.
    rows.sort((one, other) => {
      const a = value(one, column), b = value(other, column);
      if (a === "" || b === "") return (a === "") - (b === "");
      return direction * compare(a, b);
    });
    body.append(...rows);
  };
  all("table.sortable").forEach((table) => {
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, column));
    });
    const rows = Array.from(table.tBodies[0].rows);
    if (rows.length < 12) return;
    const box = document.createElement("input");
    box.type = "search";
    box.placeholder = `Filter ${rows.length} rows`;
    box.setAttribute("aria-label", "Filter the rows of this table");
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase();
      rows.forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(words); });
    });
    table.closest(".table").querySelector(".top").append(box);
  });

  // Pictures: click to enlarge; arrows go to the neighbors, at the same place and size, as in a blink comparator.
  const dialog = document.querySelector("dialog.zoom");
  let neighbors = [], at = 0;
  const show = () => {
    const image = neighbors[at];
    const grays = image.closest("figure").querySelector(".grays");
    dialog.querySelector("img").src = image.src;
    dialog.querySelector("img").alt = image.alt;
    const more = neighbors.length > 1 ? ` \u2013 ${at + 1} of ${neighbors.length}, arrow keys` : "";
    dialog.querySelector("p").textContent = image.alt + (grays ? `: ${grays.getAttribute("aria-label")}` : "") + more;
  };
  const enlarge = (image) => {
    neighbors = all(".frame img", image.closest("article, .gallery") ?? image.closest("figure"));
    at = neighbors.indexOf(image);
    show();
    dialog.showModal();
  };
  all(".frame").forEach((frame) => {
    const image = frame.querySelector("img");
    frame.tabIndex = 0;
    frame.setAttribute("role", "button");
    frame.setAttribute("aria-label", `Enlarge: ${image.alt}`);
    frame.addEventListener("click", () => enlarge(image));
    frame.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); enlarge(image); }
    });
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { event.preventDefault(); at = (at + step + neighbors.length) % neighbors.length; show(); }
  });
  dialog.addEventListener("click", () => dialog.close());

  // Menu: where am I?
  const links = new Map(all(".menu a").map((link) => [link.getAttribute("href").slice(1), link]));
  const sections = all("main > section[id]");
  const mark = () => {
    const line = Math.min(innerHeight * 0.3, 240);
    const atEnd = innerHeight + scrollY >= document.body.scrollHeight - 4;
    const passed = sections.filter((section) => section.getBoundingClientRect().top <= line);
    const current = atEnd ? sections.at(-1) : (passed.at(-1) ?? sections[0]);
    links.forEach((link, id) => {
      if (current && id === current.id && !link.hasAttribute("aria-current")) {
        link.setAttribute("aria-current", "true");
        const strip = link.closest("nav");
        if (strip.scrollWidth > strip.clientWidth) strip.scrollLeft = link.offsetLeft - strip.clientWidth / 2 + link.clientWidth / 2;
      } else if (!current || id !== current.id) link.removeAttribute("aria-current");
    });
  };
  addEventListener("scroll", mark, { passive: true });
  mark();
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = target && target.querySelector("details");
    if (fold) fold.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();
