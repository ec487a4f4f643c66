"use strict";
/* A page of figures that do not change: drawn when they come into sight, light or dark. */
(() => {
  const data = pageData;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const seen = new Set();
  let chosen = null, printing = false;
  const dark = () => chosen ?? prefersDark.matches;

  function draw(id) {
    const { data: traces, layout } = data.figures[id];
    const template = data.themes[dark() && !printing ? "dark" : "light"];
    const plot = document.getElementById(id), first = !plot.data;
    Plotly.react(plot, structuredClone(traces), { ...structuredClone(layout), template, autosize: true }, figureConfig(id));
    if (first) link(plot);
  }
  function show() {
    showTheme(dark());
    seen.forEach(draw);
  }
  const watcher = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
    if (!isIntersecting || seen.has(target.id)) return;
    seen.add(target.id);
    draw(target.id);
  }), { rootMargin: "300px" });

  const exampled = document.getElementById("exampled");
  exampled?.addEventListener("change", () => document.querySelectorAll("[data-language]").forEach((rows) => {
    rows.hidden = Boolean(exampled.value) && rows.dataset.language !== exampled.value;
  }));
  document.getElementById("theme").addEventListener("click", () => { chosen = !dark(); show(); });
  prefersDark.addEventListener("change", show);
  addEventListener("beforeprint", () => { printing = true; Object.keys(data.figures).forEach(draw); });
  addEventListener("afterprint", () => { printing = false; show(); });
  show();
  document.querySelectorAll(".plot").forEach((plot) => watcher.observe(plot));
})();
