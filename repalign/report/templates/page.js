"use strict";
/* The page: its state (kept in the address), its controls, and the figures that follow them. */
(() => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const data = JSON.parse($("page-data").textContent);
  const ARRAYS = { f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array };
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const unpack = ({ dtype, bdata }) => new ARRAYS[dtype](bytesOf(bdata).buffer);

  /* ---- state ---- */
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const options = (id) => ($(id) ? [...$(id).options].map((option) => option.value) : []);
  const started = { ...data.start, map: null, colour: "language", measure: null, language: null, hide: "", find: "", sentence: "", theme: "" };
  const CHOOSERS = ["metric", "variant", "map", "colour", "measure", "language"];
  let state = { ...started };

  function readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    state = Object.fromEntries(Object.keys(started).map((key) => [key, given.get(key) ?? started[key]]));
    state.layer = data.layers.includes(Number(state.layer)) ? Number(state.layer) : started.layer;
    for (const key of CHOOSERS) if (!options(key).includes(state[key])) state[key] = started[key];
  }
  function set(changes, milliseconds = 80) {
    Object.assign(state, changes);
    const kept = Object.entries(state).filter(([key, value]) => value !== started[key] && value !== null);
    history.replaceState(null, "", "#" + new URLSearchParams(kept));
    show(milliseconds);
  }
  const dark = () => (state.theme ? state.theme === "dark" : prefersDark.matches);

  /* The layer of a checkpoint that lies at the same depth as the slider. */
  function layerOf(checkpoint, slider = state.layer) {
    const own = data.depths[checkpoint] ?? data.depths[data.deepest], depth = data.depths[data.deepest][slider];
    return Number(Object.keys(own).reduce((best, layer) => (Math.abs(own[layer] - depth) < Math.abs(own[best] - depth) ? layer : best)));
  }

  /* ---- figures ---- */
  const panels = new Map(data.panels.map((panel) => [panel.id, panel]));
  const seen = new Set();
  let printing = false;

  function picture(panel) {
    const layer = layerOf(panel.checkpoint);
    const fit = (p) => Object.entries(p.choice).reduce((sum, [key, value]) =>
      sum + (key === "layer" ? -Math.abs(value - layer) / 1e4 : Number(String(value) === String(state[key]))), 0);
    return panel.pictures.reduce((best, p) => (fit(p) > fit(best) ? p : best));
  }
  function drawFigure(id) {
    const panel = panels.get(id), element = $(id), chosen = picture(panel), sheet = dark() && !printing ? "dark" : "light";
    const key = `${panel.pictures.indexOf(chosen)} ${sheet}`;
    if (element.dataset.drawn !== key) {
      const layout = { ...structuredClone(chosen.layout), template: data.sheets[sheet], autosize: true };
      const config = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
        toImageButtonOptions: { format: "svg", filename: id } };
      if (element.dataset.drawn === undefined) element.replaceChildren();
      Plotly.react(element, structuredClone(chosen.data), layout, config);
      if (element.dataset.drawn === undefined) link(element, panel);
      if (element.dataset.drawn === undefined && panel.cursor) follow(element);
      element.dataset.drawn = key;
      const which = element.previousElementSibling.querySelector(".which");
      which.textContent = "layer" in chosen.choice ? ` · layer ${chosen.choice.layer}` : "";
    }
    if (panel.cursor) cursor(element, layerOf(panel.checkpoint));
  }
  /* A click sets the layer; the cursor is laid over the figure, as redrawing it would take too long for a slider. */
  function follow(element) {
    element.append(make("div", { className: "cursor" }));
    element.on("plotly_click", ({ points }) => {
      const layer = Number(points[0].x);
      if (data.layers.includes(layer)) set({ layer });
    });
    element.on("plotly_afterplot", () => cursor(element, layerOf(panels.get(element.id).checkpoint)));
  }
  /* What is pointed at in one checkpoint's figure is shown in the others' as well. */
  function link(element, panel) {
    const beside = () => data.panels.filter((other) => other.figure === panel.figure && other !== panel && seen.has(other.id)).map((other) => $(other.id));
    element.on("plotly_hover", ({ points: [point], event }) => {
      if (!event) return;
      for (const other of beside()) {
        const curveNumber = other._fullData.findIndex((trace) => trace.type === point.data.type && trace.name === point.fullData.name);
        if (curveNumber >= 0) Plotly.Fx.hover(other, [{ curveNumber, pointNumber: point.pointNumber }]);
      }
    });
    element.on("plotly_unhover", ({ event }) => { if (event) for (const other of beside()) Plotly.Fx.unhover(other); });
  }
  function cursor(element, layer) {
    const line = element.querySelector(".cursor"), { xaxis, _size: size } = element._fullLayout ?? {};
    if (!line || !xaxis) return;
    const x = xaxis.l2p(xaxis.d2l(layer));
    Object.assign(line.style, { left: `${size.l + x}px`, top: `${size.t}px`, height: `${size.h}px` });
    line.hidden = !(x >= 0 && x <= size.w);
  }

  /* ---- the map ---- */
  const space = data.space, maps = [];
  const view = { hidden: new Set(), matches: null, sentence: null, language: null, colourOf: null };
  let pinned = false;
  const HEAT = ["#2f79c4", "#8f8f8f", "#d9730d"];
  function blend(part) {
    const [a, b] = part < 0.5 ? HEAT : HEAT.slice(1), t = (part < 0.5 ? part : part - 0.5) * 2;
    return `rgb(${[1, 3, 5].map((i) => Math.round(parseInt(a.slice(i, i + 2), 16) * (1 - t) + parseInt(b.slice(i, i + 2), 16) * t))})`;
  }
  const between = (low, value, high) => Math.max(low, Math.min(high, value));
  const ramp = () => make("span", { className: "ramp" });
  const COLOURS = {
    language: { of: (map, l) => space.looks[l].colour, key: () => [] },
    group: {
      of: (map, l, s) => `hsl(${space.hues[s]} 55% 48%)`,
      key: () => [`A sentence and its translations share a colour, by where the ${data.pivot} one lies at layer ${started.layer}.`],
    },
    length: {
      of: (map, l, s) => blend(between(0, space.sentences[l].tokens[s] / space.longest, 1)),
      key: () => ["short", ramp(), `${space.longest} tokens and more`],
    },
    score: {
      of: (map, l, s) => blend(between(0, 0.5 + map.score("margin", l, s) * 2, 1)),
      key: () => ["nearer to a wrong sentence", ramp(), "translation is nearest"],
    },
  };

  function prepareSpace() {
    for (const sheet of space.sheets) {
      sheet.dims = Number(sheet.places.shape.split(", ")[3]);
      const exact = sheet.places.dtype === "i2";
      for (const key of ["places", "cosine", "margin", "trustworthiness", "knn_overlap"]) sheet[key] = unpack(sheet[key]);
      if (exact) sheet.places = Float32Array.from(sheet.places, (units) => units * space.grain);
    }
    space.rows = unpack(space.rows);
    for (const one of space.sentences) Object.assign(one, { tokens: unpack(one.tokens), group: unpack(one.group), low: one.text.map((t) => t.toLocaleLowerCase()) });
    const lengths = space.sentences.flatMap((one) => [...one.tokens]).sort((a, b) => a - b);
    space.longest = lengths[Math.floor(lengths.length * 0.98)] || 1;
    const looks = new Map(data.languages.map((one) => [one.code, one]));
    space.looks = space.languages.map((code) => looks.get(code));
    space.hues = hues();
    const names = [...new Set(space.sheets.map((sheet) => sheet.map))];
    $("map").replaceChildren(...names.map((name) => new Option(name, name)));
    started.map = names[0];
    for (const checkpoint of new Set(space.sheets.map((sheet) => sheet.checkpoint))) addMap(checkpoint);
    for (const look of space.looks) addLegend(look);
  }

  /* Neighbours in the pivot, at the layer the page starts with, get neighbouring hues. */
  function hues() {
    const sheet = space.sheets.find((one) => one.variant === started.variant) ?? space.sheets[0];
    const layer = Math.max(0, sheet.layers.indexOf(layerOf(sheet.checkpoint, started.layer)));
    const first = (layer * space.languages.length + Math.max(0, space.languages.indexOf(data.pivot))) * space.rows.length;
    return Array.from(space.rows, (_, s) => {
      const [x, y] = sheet.places.subarray((first + s) * sheet.dims);
      return Math.round((Math.atan2(y, x) * 180) / Math.PI + 360) % 360;
    });
  }

  function addMap(checkpoint) {
    const canvas = make("canvas", { tabIndex: 0 }), faith = make("p", { className: "note" });
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "map");
    canvas.setAttribute("aria-describedby", "card");
    canvas.dataset.checkpoint = checkpoint;
    const caption = make("figcaption", {}, make("bdi", { textContent: checkpoint }));
    $("maps").append(make("figure", { className: "panel" }, caption, canvas, faith));
    const map = Object.assign(new SpaceMap(canvas, space, view), { checkpoint, faith });
    maps.push(map);
    let dragged = false;
    canvas.addEventListener("pointerdown", () => { dragged = false; });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons && (event.movementX || event.movementY)) {
        dragged = true;
        return drag(map, event.movementX, event.movementY);
      }
      const hit = map.nearest(event.offsetX, event.offsetY);
      tip(hit, event);
      if (!pinned) light(hit);
    });
    canvas.addEventListener("pointerleave", () => { tip(null); if (!pinned) light(null); });
    canvas.addEventListener("click", (event) => {
      if (dragged) return;
      const hit = map.nearest(event.offsetX, event.offsetY);
      if (hit) pin(...hit); else release();
    });
    canvas.addEventListener("keydown", (event) => keys(event, map));
    new ResizeObserver(() => map.draw()).observe(canvas);
  }
  /* Maps of one checkpoint beside another turn and move together. */
  function drag(map, x, y) {
    for (const one of maps) {
      if (map.sheet.dims === 3) one.turn = [one.turn[0] + x / 120, one.turn[1] + y / 120];
      else one.shift = [one.shift[0] + x, one.shift[1] + y];
      one.draw();
    }
  }
  function zoom(factor) {
    for (const map of maps) {
      if (factor) Object.assign(map, { zoom: map.zoom * factor, shift: map.shift.map((part) => part * factor) }); else map.reset();
      map.draw();
    }
  }
  function keys(event, map) {
    const sentence = view.sentence, count = map.count, language = view.language ?? 0;
    const actions = {
      ArrowRight: () => step(1), ArrowLeft: () => step(-1),
      ArrowDown: () => pin(language, sentence === null ? 0 : (sentence + 1) % count),
      ArrowUp: () => pin(language, sentence === null ? count - 1 : (sentence + count - 1) % count),
      "+": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: () => zoom(), Escape: release,
    };
    if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
  }
  function step(by) {
    set({ layer: data.layers[between(0, data.layers.indexOf(state.layer) + by, data.layers.length - 1)] });
  }
  function pin(language, sentence) {
    view.language = language;
    set({ sentence: String(space.rows[sentence]) }, 0);
  }
  const release = () => set({ sentence: "" }, 0);
  function light(hit) {
    const [language, sentence] = hit ?? [null, null];
    if (view.sentence === sentence && view.language === language) return;
    Object.assign(view, { language, sentence });
    for (const map of maps) map.draw();
    card();
  }
  function tip(hit, event) {
    $("tip").hidden = !hit;
    if (!hit) return;
    const [l, s] = hit;
    $("tip").replaceChildren(make("b", { textContent: space.languages[l] }), " ", sentenceText(l, s));
    const room = innerWidth - $("tip").offsetWidth - 8;
    Object.assign($("tip").style, { left: `${between(8, event.clientX + 14, room)}px`, top: `${event.clientY + 18}px` });
  }
  const sentenceText = (l, s) => make("bdi", { textContent: space.sentences[l].text[s], dir: "auto", lang: space.languages[l] });

  /* The sentence that is lit, in all languages, with its cosines in each checkpoint. */
  function card() {
    const s = view.sentence;
    if (s === null) return $("card").replaceChildren($("map-help").content.cloneNode(true));
    const head = make("tr", {}, make("th", { scope: "col", textContent: "Language" }), make("th", { scope: "col", textContent: `Sentence ${space.rows[s]}` }));
    for (const map of maps) head.append(make("th", { scope: "col" }, "cosine", ...(maps.length > 1 ? [", ", make("bdi", { textContent: map.checkpoint })] : [])));
    const rows = space.languages.map((code, l) => {
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = space.looks[l].colour;
      const row = make("tr", { className: l === view.language ? "chosen" : "" }, make("th", { scope: "row" }, swatch, code), make("td", { className: "text" }, sentenceText(l, s)));
      for (const map of maps) {
        const cosine = map.score("cosine", l, s), found = map.score("margin", l, s) > 0;
        const mark = code === data.pivot ? "" : found ? " ✓" : " ✗";
        row.append(make("td", { className: "number", textContent: cosine.toFixed(3) + mark }));
      }
      return row;
    });
    const note = `Cosine with the translation in ${data.pivot} (for ${data.pivot}: the mean of the others), in all dims; ✓ where no wrong sentence of the map is nearer.`;
    $("card").replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)), make("p", { className: "note", textContent: note }));
  }

  function addLegend(look) {
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = look.colour;
    const button = make("button", { type: "button" }, swatch, look.name === look.code ? look.code : `${look.name} (${look.code})`);
    button.dataset.code = look.code;
    button.addEventListener("click", () => {
      const hidden = new Set(view.hidden);
      if (!hidden.delete(look.code)) hidden.add(look.code);
      set({ hide: [...hidden].join(",") }, 0);
    });
    $("legend").append(button);
  }

  function showSpace(milliseconds) {
    view.hidden = new Set(state.hide.split(",").filter(Boolean));
    view.colourOf = COLOURS[state.colour].of;
    $("scale").replaceChildren(...COLOURS[state.colour].key());
    $("scale").hidden = state.colour === "language";
    const wanted = state.find.trim().toLocaleLowerCase();
    view.matches = wanted ? new Set([...space.rows.keys()].filter((s) => space.sentences.some((one) => one.low[s].includes(wanted)))) : null;
    $("found").textContent = view.matches ? `${view.matches.size} found` : "";
    for (const button of $("legend").children) button.setAttribute("aria-pressed", String(!view.hidden.has(button.dataset.code)));
    const at = state.sentence === "" ? -1 : space.rows.indexOf(Number(state.sentence));
    if (at >= 0 || pinned) Object.assign(view, { sentence: at >= 0 ? at : null, language: at >= 0 ? (view.language ?? 0) : null });
    pinned = at >= 0;
    for (const map of maps) {
      const own = space.sheets.filter((sheet) => sheet.checkpoint === map.checkpoint);
      const same = own.filter((sheet) => sheet.map === state.map);
      const sheet = same.find((one) => one.variant === state.variant) ?? same[0] ?? own[0];
      const number = layerOf(map.checkpoint), layer = Math.max(0, sheet.layers.indexOf(number));
      map.show(sheet, layer, still.matches ? 0 : milliseconds);
      const kept = Math.round(100 * sheet.knn_overlap[layer]);
      map.faith.textContent = `${sheet.map}, ${sheet.variant}, layer ${sheet.layers[layer]}. Trustworthiness ${sheet.trustworthiness[layer].toFixed(2)} (1 is perfect, 0.5 is chance); ${kept}% of each sentence's 10 true neighbours are neighbours here.`;
      map.canvas.setAttribute("aria-label", `Map of ${map.count} sentences in ${maps.length > 1 ? map.checkpoint + ", " : ""}${space.languages.length} languages, layer ${sheet.layers[layer]}`);
    }
    card();
    $("find").value = state.find;
  }

  /* ---- the nearest wrong neighbours ---- */
  function showNeighbours() {
    const chosen = data.neighbours.rows.filter((row) => row.layer === layerOf(row.checkpoint) && (!$("taken").value || row.target === $("taken").value))
      .sort((a, b) => a.rank - b.rank);
    const text = (language, sentence) => make("bdi", { textContent: data.neighbours.texts[language]?.[sentence] ?? `sentence ${sentence}`, dir: "auto", lang: language });
    $("neighbours-rows").replaceChildren(...chosen.slice(0, 40).map((row) => make("tr", {},
      make("td", {}, make("bdi", { textContent: row.checkpoint })), make("td", { className: "number", textContent: `${row.source} → ${row.target}` }),
      make("td", {}, text(row.source, row.sentence)), make("td", {}, text(row.target, row.taken_for)), make("td", {}, text(row.target, row.sentence)))));
    $("neighbours-count").textContent = chosen.length ? `${Math.min(40, chosen.length)} of ${chosen.length} at layer ${state.layer}` : `none at layer ${state.layer}`;
  }

  /* ---- everything that the state decides ---- */
  function show(milliseconds = 0) {
    document.documentElement.dataset.theme = dark() ? "dark" : "light";
    $("theme").setAttribute("aria-pressed", String(dark()));
    for (const id of CHOOSERS) if ($(id)) $(id).value = state[id];
    $("layer").value = data.layers.indexOf(state.layer);
    $("layer").setAttribute("aria-valuetext", `layer ${state.layer}`);
    $("layer-shown").value = `${state.layer} of ${data.layers.at(-1)}`;
    if (space) showSpace(milliseconds);
    if ($("neighbours-rows")) showNeighbours();
    for (const id of seen) drawFigure(id);
  }

  let playing = null;
  function play() {
    if (playing === null) playing = setInterval(() => set({ layer: data.layers[(data.layers.indexOf(state.layer) + 1) % data.layers.length] }, 600), 900);
    else playing = clearInterval(playing) ?? null;
    $("play").textContent = playing === null ? "Play" : "Pause";
  }
  async function download() {
    const plain = new Blob([bytesOf(data.csv)]).stream().pipeThrough(new DecompressionStream("gzip"));
    const link = make("a", { href: URL.createObjectURL(await new Response(plain).blob()), download: "profile.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  }
  function forPrint(on) {
    printing = on;
    for (const id of panels.keys()) if (on || seen.has(id)) drawFigure(id);
  }

  if (space) prepareSpace();
  for (const id of ["measure", "language"]) started[id] = options(id)[0] ?? null;
  readAddress();
  for (const id of CHOOSERS) $(id)?.addEventListener("change", (event) => set({ [id]: event.target.value }, 400));
  $("layer").addEventListener("input", (event) => set({ layer: data.layers[Number(event.target.value)] }));
  $("play").addEventListener("click", play);
  $("theme").addEventListener("click", () => set({ theme: dark() ? "light" : "dark" }));
  $("find")?.addEventListener("input", (event) => set({ find: event.target.value }, 0));
  $("taken")?.addEventListener("change", showNeighbours);
  for (const [id, factor] of [["nearer", 1.5], ["farther", 1 / 1.5], ["whole", 0]]) $(id)?.addEventListener("click", () => zoom(factor));
  $("download").addEventListener("click", download);
  for (const button of document.querySelectorAll(".show")) button.addEventListener("click", () => {
    set(JSON.parse(button.dataset.choice));
    $(button.dataset.section)?.scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
  });
  prefersDark.addEventListener("change", () => show());
  addEventListener("hashchange", () => { readAddress(); show(); });
  addEventListener("beforeprint", () => forPrint(true));
  addEventListener("afterprint", () => forPrint(false));
  show();
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting && !seen.has(target.id)) { seen.add(target.id); drawFigure(target.id); }
  }, { rootMargin: "800px" });
  for (const id of panels.keys()) watcher.observe($(id));
  globalThis.repalign = { data, maps, view, set, state: () => ({ ...state }) };
})();
