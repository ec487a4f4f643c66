"use strict";
/* Many languages: a small panel for each, with the median in grey, the best first. */
function smallMultiples({ make, data, unpack }) {
  const SVG = "http://www.w3.org/2000/svg";
  const named = new Map(data.languages.map(({ code, name }) => [code, name]));

  const median = (values) => {
    const known = values.filter(Number.isFinite).sort((a, b) => a - b), half = known.length >> 1;
    return known.length % 2 ? known[half] : (known[half - 1] + known[half]) / 2;
  };
  function rows({ names, y }) {
    const values = unpack(y), count = values.length / names.length;
    return names.map((_, row) => values.subarray(row * count, (row + 1) * count));
  }
  function line(values, [low, high], className) {
    const path = document.createElementNS(SVG, "path");
    const at = (value, place) => `${(100 * (place + 0.5)) / values.length} ${(100 * (high - value)) / (high - low)}`;
    const steps = [...values].map((value, place) => (Number.isFinite(value) ? `${Number.isFinite(values[place - 1]) ? "L" : "M"}${at(value, place)}` : ""));
    path.setAttribute("d", steps.join(""));
    path.setAttribute("class", className);
    return path;
  }
  function panel({ name, values, best, significant }, layers, middle, range) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 100 100");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    svg.append(line(middle, range, "median"), line(values, range, "own"));
    const peak = `${values[best].toFixed(3)} at layer ${layers[best]}`;
    const title = `${named.get(name) ?? name}: ${peak}, its best${significant ? "" : "; significant at no layer"}`;
    const button = make("button", { type: "button", className: significant ? "one" : "one none", title }, make("bdi", { textContent: name }), make("small", { textContent: values[best].toFixed(2) }), svg);
    button.dataset.language = name;
    return button;
  }
  /* The panels of a picture, drawn again only for another; the line at the layer is one style of all. */
  function show(container, picture, layer) {
    const { each } = picture, layers = [...unpack(each.x)];
    if (container.picture !== picture) {
      const values = rows(each), middle = layers.map((_, place) => median(values.map((own) => own[place])));
      container.replaceChildren(...each.names.map((name, row) =>
        panel({ name, values: values[row], best: each.best[row], significant: each.significant[row] }, layers, middle, picture.layout.yaxis.range)));
      container.picture = picture;
    }
    container.style.setProperty("--at", (layers.indexOf(layer) + 0.5) / layers.length);
  }
  /* The line of one language, to be drawn over the quantiles; none if there is no such language. */
  function chosen({ each }, name) {
    const row = each.names.indexOf(name);
    if (row < 0) return [];
    return [{ type: "scatter", mode: "lines", name: each.labels[row], meta: { language: each.labels[row] }, x: unpack(each.x), y: rows(each)[row], line: { color: "#D55E00", width: 3 }, hovertemplate: "layer %{x}: <b>%{y:.3f}</b>" }];
  }
  return { show, chosen };
}
