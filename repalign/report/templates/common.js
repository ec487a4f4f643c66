"use strict";
/* What every page shares: its data, the configuration of its figures, tooltips, and forms that send nothing. */
const pageData = JSON.parse(document.getElementById("page-data").textContent);
const figureConfig = (filename) => ({ ...pageData.config, toImageButtonOptions: { ...pageData.config.toImageButtonOptions, filename } });
addEventListener("submit", (event) => event.preventDefault());

/* In the frame of a notebook a page has no address of its own: "#sentences" would load the notebook into the frame. */
const inFrame = location.protocol === "about:";
addEventListener("click", (event) => {
  const link = inFrame && event.target.closest('a[href^="#"]');
  if (!link) return;
  event.preventDefault();
  document.getElementById(link.hash.slice(1))?.scrollIntoView();
});

/* Tooltips: the definition of a term; the full forms of the shortened names in an element. */
addEventListener("pointerover", ({ target }) => {
  if (target.matches?.(".term")) target.title = document.querySelector(`${target.getAttribute("href")} dd`).textContent;
  if (!(target instanceof HTMLElement) || target.title || target.textContent.length > 300) return;
  const full = Object.entries(pageData.names).filter(([shown]) => target.textContent.includes(shown)).map(([, name]) => name);
  if (full.length) target.title = full.slice(0, 5).join("\n");
});

/* The trace that a drawn line, bar or mark, or an entry of a legend, belongs to. */
const traceOf = (part) => [part.__data__].flat(2)[0]?.trace;

/* In a figure that has the chosen group, the others fade; bands of intervals are pale unless theirs is chosen. Classes, not
   a redraw: that would be too slow for a pointer. `groupOf` gives the group of a trace, empty for one that has none. */
function fadeOthers(figure, chosen, groupOf) {
  const here = chosen && figure._fullData?.some((trace) => groupOf(trace) === chosen);
  for (const part of figure.querySelectorAll(":is(.scatterlayer .trace, .barlayer .trace, .legend .traces)")) {
    const trace = traceOf(part), own = trace && groupOf(trace);
    part.classList.toggle("faded", Boolean(here && own && own !== chosen));
    part.classList.toggle("band", Boolean(own && own !== chosen && trace.fill === "toself"));
  }
}

/* What is chosen is defined in a line of text: `data-of` names the choosers. */
function defineChosen() {
  for (const line of document.querySelectorAll("[data-of]")) {
    const terms = line.dataset.of.split(" ").map((id) => document.getElementById(`term-${document.getElementById(id).value}`));
    line.textContent = terms.filter(Boolean).map((term) => `${term.querySelector("dt").textContent}: ${term.querySelector("dd").textContent}`).join(" ");
  }
}

/* The button says what it switches to. */
function showTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.getElementById("theme").textContent = dark ? "Light" : "Dark";
}
