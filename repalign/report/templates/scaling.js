"use strict";
/* The scaling page: curves, and the split of whatever budget the slider says. */
(() => {
  const $ = (id) => document.getElementById(id);
  const data = pageData;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null, printing = false;
  const dark = () => chosen ?? prefersDark.matches;
  const count = (value) => Math.round(value).toLocaleString("en");
  const scored = (value) => value.toLocaleString("en", { minimumFractionDigits: data.decimals, maximumFractionDigits: data.decimals });
  const gained = (value) => value.toLocaleString("en", { minimumSignificantDigits: 2, maximumSignificantDigits: 2, signDisplay: "exceptZero" });

  function draw(id, { data: traces, layout }) {
    const theme = data.themes[dark() && !printing ? "dark" : "light"], first = !$(id).data;
    Plotly.react($(id), structuredClone(traces), { ...structuredClone(layout), template: theme, autosize: true }, figureConfig(id));
    if (first) link($(id));
  }
  /* The slider runs over four orders of magnitude, the given budget in the middle. */
  const budget = () => Number($("budget-exact").value);
  const toSlider = (value) => 500 + 250 * Math.log10(value / data.budget);
  const fromSlider = (value) => data.budget * 10 ** ((value - 500) / 250);
  /* How many pairs more the table asks about: about a tenth of the budget, as 1, 2 or 5 times a power of ten. */
  function step() {
    const tenth = Math.min(1000, Math.max(1, budget() / 10)), power = 10 ** Math.floor(Math.log10(tenth));
    return power * [5, 2, 1].find((times) => times * power <= tenth);
  }

  /* A weighted mean is a mean of scores that are larger by their weights. */
  function solve() {
    const { a, b, c, k } = data.law, available = data.available, objective = $("objective").value;
    const weights = objective === "weighted" ? data.weights : a.map(() => 1);
    const ask = { a: a.map((value, i) => value * weights[i]), b, c, k, available, budget: budget(), objective: objective === "min" ? "min" : "mean" };
    const even = waterfill({ ...ask, a: a.map(() => 1), b: b.map(() => 1), k: k.map(() => 0), objective: "mean" });
    const score = (pairs) => pairs.map((x, i) => (a[i] > 0 ? c[i] - a[i] / (x ** b[i] + k[i]) : c[i]));
    const total = weights.reduce((x, y) => x + y, 0);
    const mean = (scores) => scores.reduce((sum, one, i) => sum + (weights[i] ? weights[i] * one : 0), 0) / total;
    return { optimal: waterfill(ask), even, score, value: (pairs) => (objective === "min" ? Math.min(...score(pairs)) : mean(score(pairs))) };
  }
  /* A bar has its language's colour; the legend shows the two splits in grey. */
  function bars(pairs, name, opacity) {
    const bar = { type: "bar", name, offsetgroup: name, hovertemplate: "%{x}: %{y:,.0f} pairs<extra>%{fullData.name}</extra>" };
    const each = pairs.map((value, i) => ({ ...bar, x: [i], y: [value], legendgroup: data.groups[i], showlegend: false, marker: { color: data.colours[i], opacity } }));
    return [...each, { ...bar, x: [0], y: [null], marker: { color: `rgba(122, 122, 122, ${opacity})` } }];
  }
  function show() {
    draw("curves", data.curves);
    if (!(budget() > 0)) return;
    const { optimal, even, score, value } = solve();
    draw("split", { data: [...bars(optimal, "optimal", 1), ...bars(even, "uniform", 0.35)],
      layout: { barmode: "group", height: data.height, showlegend: true, xaxis: { ...data.axis, range: [-0.6, data.languages.length - 0.4] }, yaxis: { title: { text: "sentence pairs" }, tickformat: ",d" } } });
    const more = step(), best = score(optimal), then = score(optimal.map((x, i) => Math.min(x + more, data.available[i] ?? Infinity)));
    $("more").textContent = `Gain in ${data.score} from ${count(more)} more ${more === 1 ? "pair" : "pairs"}`;
    $("rows").replaceChildren(...data.languages.map((language, i) => {
      const row = document.createElement("tr");
      const all = optimal[i] >= (data.available[i] ?? Infinity) - 0.5;
      const cells = [language, count(optimal[i]), count(even[i]), scored(best[i]), all ? "all are used" : gained(then[i] - best[i])];
      cells.forEach((text, place) => {
        const cell = document.createElement(place ? "td" : "th");
        cell.textContent = text;
        if (place) cell.className = "number";
        else cell.scope = "row";
        row.append(cell);
      });
      return row;
    }));
    const [optimum, uniform] = [value(optimal), value(even)];
    $("gain").textContent = `${count(budget())} pairs: ${$("objective").selectedOptions[0].textContent} ${data.score} ${scored(optimum)}, with the uniform split ${scored(uniform)} (${gained(optimum - uniform)})`;
  }
  function theme() {
    showTheme(dark());
    show();
  }
  $("theme").addEventListener("click", () => { chosen = !dark(); theme(); });
  prefersDark.addEventListener("change", theme);
  addEventListener("beforeprint", () => { printing = true; show(); });
  addEventListener("afterprint", () => { printing = false; show(); });
  $("budget-exact").value = Math.round(data.budget);
  $("budget").value = 500;
  $("objective").value = data.objective;
  $("budget").addEventListener("input", () => { $("budget-exact").value = Math.max(1, Math.round(fromSlider(Number($("budget").value)))); show(); });
  $("budget-exact").addEventListener("input", () => { $("budget").value = toSlider(budget()); show(); });
  $("objective").addEventListener("input", show);
  theme();
})();
