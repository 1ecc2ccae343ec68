(() => {
  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  for (const part of all("[data-needs-script]")) part.hidden = false;

  // Light or dark: as the system says until the reader chooses.
  const themes = ["system", "light", "dark"];
  const button = one("#theme");
  const remember = (name) => { try { localStorage.setItem("theme", name); } catch { /* not kept */ } };
  const recall = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const show = (name) => {
    if (name === "system") delete root.dataset.theme; else root.dataset.theme = name;
    button.textContent = `Colours: ${name}`;
    button.value = name;
  };
  show(themes.includes(recall()) ? recall() : "system");
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(button.value) + 1) % themes.length];
    show(next);
    remember(next);
  });

  // Charts are drawn when their part is opened, so that the page itself is there at once.
  const specs = JSON.parse(one("#charts").textContent);
  const draw = (details) => {
    const place = one("[data-chart]", details);
    if (!place || place.dataset.drawn) return;
    place.dataset.drawn = "begun";
    window.drawChart(place, specs[place.dataset.chart], {
      renderer: "svg", actions: false, tooltip: { theme: "light" },
    }).then(() => { place.dataset.drawn = "done"; },
      (problem) => { place.textContent = `The chart cannot be drawn here: ${problem.message}`; });
  };
  for (const details of all("details.explore")) {
    details.addEventListener("toggle", () => { if (details.open) draw(details); });
  }

  // A link into a folded part opens it.
  const open = (target) => {
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };
  const follow = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) { open(target); target.scrollIntoView(); }
  };
  addEventListener("hashchange", follow);
  follow();
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const details of all("details:not(.explore):not([open])")) { details.open = true; opened.push(details); }
  });
  addEventListener("afterprint", () => { while (opened.length) opened.pop().open = false; });

  // Where the reader is.
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target.id);
    for (const link of links.values()) link.removeAttribute("aria-current");
    const last = [...links.keys()].filter((id) => seen.has(id)).pop();
    if (last) links.get(last).setAttribute("aria-current", "location");
  }, { rootMargin: "-10% 0px -70% 0px" });
  for (const section of all("main section[id]")) if (links.has(section.id)) watcher.observe(section);

  // Search: every heading, sentence, caption, note and row of a table.
  const field = one("#search");
  const found = one("#found");
  const status = one("#found-status");
  const parts = all("main :is(h2, h3, h4, p, li, figcaption, caption, tbody tr, dl.pairs > div, summary)");
  const plain = (text) => text.toLowerCase().normalize("NFKD").replace(/\s+/g, " ").replace(/\u2212/g, "-");
  let index = null;
  const named = (heading) => [...heading.childNodes]
    .filter((node) => !(node.classList && node.classList.contains("mark")))
    .map((node) => node.textContent).join("").trim();
  const readAll = () => parts.map((part) => {
    const text = part.textContent.replace(/\s+/g, " ").trim();
    const section = part.closest("section");
    const heading = section && one("h2, h3, h4", section);
    return { part, text, plain: plain(text), where: heading ? named(heading) : "" };
  });
  const most = 20;
  const search = () => {
    const wanted = plain(field.value).trim();
    found.replaceChildren();
    if (wanted.length < 2) { status.textContent = ""; found.hidden = true; return; }
    index = index || readAll();
    const terms = wanted.split(" ");
    const hits = index.filter((entry) => terms.every((term) => entry.plain.includes(term)));
    for (const hit of hits.slice(0, most)) {
      const link = document.createElement("a");
      const start = Math.max(0, hit.plain.indexOf(terms[0]) - 30);
      hit.part.id = hit.part.id || `found-${index.indexOf(hit)}`;
      link.href = `#${hit.part.id}`;
      link.textContent = (start ? "…" : "") + hit.text.slice(start, start + 90) + (hit.text.length > start + 90 ? "…" : "");
      const place = document.createElement("span");
      place.textContent = hit.where;
      const item = document.createElement("li");
      item.append(link, place);
      link.addEventListener("click", () => {
        for (const marked of all(".hit")) marked.classList.remove("hit");
        hit.part.classList.add("hit");
        open(hit.part);
        hit.part.tabIndex = -1;
        hit.part.focus({ preventScroll: true });
      });
      found.append(item);
    }
    found.hidden = !hits.length;
    status.textContent = hits.length > most ? `${hits.length} places, the first ${most} shown`
      : hits.length === 1 ? "1 place" : hits.length ? `${hits.length} places` : "Nothing found";
  };
  let waiting = 0;
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 120); });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { field.value = ""; search(); }
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      field.focus();
    }
  });
})();
