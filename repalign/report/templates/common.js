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

/* The button says what it switches to. */
function showTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.getElementById("theme").textContent = dark ? "Light" : "Dark";
}
