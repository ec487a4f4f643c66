"use strict";
/* The scaling page: curves, and the split of whatever budget the slider says. */
(() => {
  const $ = (id) => document.getElementById(id);
  const data = pageData;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const dark = () => chosen ?? prefersDark.matches;
  const count = (value) => Math.round(value).toLocaleString("en");

  function draw(id, { data: traces, layout }) {
    const theme = data.themes[dark() ? "dark" : "light"];
    Plotly.react($(id), structuredClone(traces), { ...structuredClone(layout), template: theme, autosize: true }, figureConfig(id));
  }
  /* The slider runs over four orders of magnitude, the given budget in the middle. */
  const budget = () => Number($("budget-exact").value);
  const toSlider = (value) => 500 + 250 * Math.log10(value / data.budget);
  const fromSlider = (value) => data.budget * 10 ** ((value - 500) / 250);

  function solve() {
    const { a, b, c, k } = data.law, available = data.available;
    const ask = { a, b, c, k, available, budget: budget(), objective: $("objective").value };
    const even = waterfill({ ...ask, a: a.map(() => 1), b: b.map(() => 1), k: k.map(() => 0), objective: "mean" });
    const score = (pairs) => pairs.map((x, i) => (a[i] > 0 ? c[i] - a[i] / (x ** b[i] + k[i]) : c[i]));
    const value = (pairs) => (ask.objective === "min" ? Math.min(...score(pairs)) : score(pairs).reduce((x, y) => x + y, 0) / pairs.length);
    return { optimal: waterfill(ask), even, score, value };
  }
  function show() {
    draw("curves", data.curves);
    if (!(budget() > 0)) return;
    const { optimal, even, score, value } = solve();
    const bars = (pairs, name, extra) => ({ type: "bar", name, x: data.axis.tickvals, y: pairs, hovertemplate: "%{x}: %{y:,.0f} pairs<extra></extra>", ...extra });
    draw("split", { data: [bars(optimal, "optimal", { marker: { color: data.colours } }), bars(even, "uniform", { marker: { color: "#8f8f8f", opacity: 0.5 } })],
      layout: { barmode: "group", height: 320, xaxis: data.axis, yaxis: { title: { text: "sentence pairs" } } } });
    const best = score(optimal), then = score(optimal.map((x, i) => Math.min(x + 1000, data.available[i] ?? Infinity)));
    $("rows").replaceChildren(...data.languages.map((language, i) => {
      const row = document.createElement("tr");
      const cells = [language, count(optimal[i]), count(even[i]), best[i].toFixed(2), (then[i] - best[i]).toFixed(3)];
      cells.forEach((text, place) => {
        const cell = document.createElement(place ? "td" : "th");
        cell.textContent = text;
        if (place) cell.className = "number";
        else cell.scope = "row";
        row.append(cell);
      });
      return row;
    }));
    $("gain").textContent = `${$("objective").selectedOptions[0].textContent} ${data.score}: ${value(optimal).toFixed(2)}, with the uniform split ${value(even).toFixed(2)}`;
  }
  function theme() {
    showTheme(dark());
    show();
  }
  $("theme").addEventListener("click", () => { chosen = !dark(); theme(); });
  prefersDark.addEventListener("change", theme);
  $("budget-exact").value = Math.round(data.budget);
  $("budget").value = 500;
  $("objective").value = data.objective;
  $("budget").addEventListener("input", () => { $("budget-exact").value = Math.max(1, Math.round(fromSlider(Number($("budget").value)))); show(); });
  $("budget-exact").addEventListener("input", () => { $("budget").value = toSlider(budget()); show(); });
  $("objective").addEventListener("input", show);
  theme();
})();
