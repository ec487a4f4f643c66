"use strict";
/* The page: its state (kept in the URL), its controls, and the figures that follow them. */
(() => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const data = pageData;
  const ARRAYS = { f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array };
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const unpack = ({ dtype, bdata }) => new ARRAYS[dtype](bytesOf(bdata).buffer);

  /* ---- state ---- */
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const phone = matchMedia("(max-width: 640px)");
  const options = (id) => ($(id) ? [...$(id).options].map((option) => option.value) : []);
  const started = { ...data.start, map: null, colour: "language", measure: null, language: null, lang: "", hide: "", find: "", sentence: "", theme: "" };
  const CHOOSERS = ["metric", "variant", "lang", "map", "colour", "measure", "language"];
  let state = { ...started };

  function readAddress() {
    if (/^#[^=]+$/.test(location.hash)) return; // a section or a term, not a state
    const given = new URLSearchParams(location.hash.slice(1));
    state = Object.fromEntries(Object.keys(started).map((key) => [key, given.get(key) ?? started[key]]));
    state.layer = data.layers.includes(Number(state.layer)) ? Number(state.layer) : started.layer;
    for (const key of CHOOSERS) if (!options(key).includes(state[key])) state[key] = started[key];
  }
  function set(changes, milliseconds = 80) {
    Object.assign(state, changes);
    const kept = Object.entries(state).filter(([key, value]) => value !== started[key] && value !== null);
    if (!inFrame) history.replaceState(null, "", "#" + new URLSearchParams(kept));
    show(milliseconds);
  }
  const dark = () => (state.theme ? state.theme === "dark" : prefersDark.matches);

  /* The layer of a checkpoint at the same relative depth as the slider. */
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
  /* A figure that lies beside the page is loaded as a script, the only thing that a page on disk may load; its text is checked. */
  const BESIDE = `${location.pathname.split("/").at(-1).replace(/\.[^.]*$/, "")}.data/`;
  const lost = (panel, why) => { $(panel.id).textContent = `${BESIDE}${panel.chunk} ${why}: this figure lies in that folder beside the page; copy both together, or make the page again`; };
  function load(panel) {
    if (panel.asked) return;
    panel.asked = true;
    $(panel.id).textContent = "loading …";
    document.head.append(make("script", { src: BESIDE + panel.chunk, onerror: () => lost(panel, "is missing") }));
  }
  globalThis.repalignChunk = async (id, packed) => {
    const panel = panels.get(id), digest = panel?.chunk.split(".").at(-2);
    if (!panel || panel.pictures.length) return;
    const sum = await crypto.subtle?.digest("SHA-256", new TextEncoder().encode(packed)); // not there on a page served without https
    const found = sum && Array.from(new Uint8Array(sum), (byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, digest.length);
    if (sum && found !== digest) return lost(panel, "is damaged, or of another page");
    const plain = new Blob([bytesOf(packed)]).stream().pipeThrough(new DecompressionStream("gzip"));
    panel.pictures = JSON.parse(await new Response(plain).text());
    drawFigure(id);
    focus.fadeAll();
  };
  function drawFigure(id) {
    if (!panels.get(id).pictures.length) return load(panels.get(id));
    const panel = panels.get(id), element = $(id), chosen = picture(panel), theme = dark() && !printing ? "dark" : "light";
    const key = [panel.pictures.indexOf(chosen), theme, phone.matches, chosen.each ? state.lang : ""].join(" ");
    if (element.dataset.drawn !== key) {
      const first = element.dataset.drawn === undefined, { traces, layout } = fitted(chosen, element.clientWidth);
      if (first) element.replaceChildren();
      element.style.setProperty("--height", `${layout.height}px`);
      Plotly.react(element, traces, { ...layout, template: data.themes[theme], autosize: true }, figureConfig(id));
      if (first) {
        link(element, panel);
        focus.follow(element);
        if (panel.cursor) follow(element);
      }
      element.dataset.drawn = key;
      element.dataset.choice = JSON.stringify(chosen.choice);
      const which = element.previousElementSibling.querySelector(".which");
      which.textContent = "layer" in chosen.choice ? ` · layer ${chosen.choice.layer}` : "";
    }
    if (chosen.each) multiples.show($(`${id}-each`), chosen, layerOf(panel.checkpoint));
    if (panel.cursor) cursor(element, layerOf(panel.checkpoint));
  }
  /* A picture for the room there is: narrow cells have none for numbers, narrow panels none for lines that are switched off. */
  function fitted(chosen, width) {
    const layout = structuredClone(chosen.layout), traces = structuredClone(chosen.data);
    if (chosen.each && state.lang) traces.push(...multiples.chosen(chosen, state.lang));
    const [grid] = traces;
    if (grid?.texttemplate && (width - 120) / unpack(grid.x).length < 30) delete grid.texttemplate;
    if (width < 560) layout.font = { size: 11 };
    if (width < 420) for (const trace of traces) if (trace.visible === "legendonly") trace.showlegend = false;
    if (!phone.matches) return { traces, layout };
    layout.margin = { l: 44, r: 8, t: 24, b: 40 };
    if (layout.height === data.height) layout.height = 300;
    return { traces, layout };
  }
  /* A click sets the layer. The cursor is an overlay: redrawing the figure would be too slow for a slider. */
  function follow(element) {
    element.append(make("div", { className: "cursor" }));
    element.on("plotly_click", ({ points }) => {
      const layer = Number(points[0].x);
      if (data.layers.includes(layer)) set({ layer });
    });
    element.on("plotly_afterplot", () => cursor(element, layerOf(panels.get(element.id).checkpoint)));
  }
  /* Hovering over one checkpoint's figure shows the same point in the figures of the others. */
  function link(element, panel) {
    const beside = () => data.panels.filter((other) => other.figure === panel.figure && other !== panel && seen.has(other.id)).map((other) => $(other.id)).filter((other) => other._fullData);
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
    const step = element._fullData[0]?.meta?.step, half = step ? (xaxis.l2p(step) - xaxis.l2p(0)) / 2 : 1, x = xaxis.l2p(xaxis.d2l(layer));
    line.classList.toggle("frame", Boolean(step));
    Object.assign(line.style, { left: `${size.l + x - half}px`, width: `${2 * half}px`, top: `${size.t}px`, height: `${size.h}px` });
    line.hidden = !(x >= 0 && x <= size.w);
  }

  /* ---- retrieval errors ---- */
  const MOST_ERRORS = 20;
  function showConfusions() {
    const chosen = data.confusions.rows.filter((row) => row.layer === layerOf(row.checkpoint) && (!$("confused").value || row.target === $("confused").value));
    const cosine = (value) => make("td", { className: "number", textContent: value === null ? "" : value.toFixed(3) });
    const text = (language, sentence) => make("bdi", { textContent: data.confusions.texts[language]?.[sentence] ?? `sentence ${sentence}`, dir: "auto", lang: language });
    $("confusions-rows").replaceChildren(...chosen.slice(0, MOST_ERRORS).map((row) => make("tr", {},
      ...(data.confusions.several ? [make("td", {}, make("bdi", { textContent: row.checkpoint }))] : []), make("td", { className: "number", textContent: `${row.source} → ${row.target}` }),
      make("td", {}, text(row.source, row.sentence)), make("td", {}, text(row.target, row.taken_for)), cosine(row.cosine),
      make("td", {}, text(row.target, row.sentence)), cosine(row.cosine_right))));
    $("confusions-count").textContent = chosen.length ? `${Math.min(MOST_ERRORS, chosen.length)} of the ${chosen.length} on this page at layer ${state.layer}` : `none at layer ${state.layer}`;
  }

  /* ---- redraw everything that depends on the state ---- */
  function show(milliseconds = 0) {
    showTheme(dark());
    for (const id of CHOOSERS) if ($(id)) $(id).value = state[id];
    $("layer").value = data.layers.indexOf(state.layer);
    $("layer").setAttribute("aria-valuetext", `layer ${state.layer}`);
    $("layer-shown").value = `${state.layer} of ${data.layers.at(-1)}`;
    const fit = ({ dataset }) => 2 * (dataset.metric === state.metric) + (dataset.variant === state.variant);
    for (const kind of [".headline", ".answers"]) {
      const every = [...document.querySelectorAll(kind)];
      const said = every.reduce((best, one) => (fit(one) > fit(best) ? one : best));
      for (const one of every) one.hidden = one !== said;
    }
    defineChosen();
    section?.show(milliseconds);
    if ($("confusions-rows")) showConfusions();
    for (const id of seen) drawFigure(id);
    focus.fadeAll();
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

  const tools = { $, make, unpack, data, seen, started, still, layerOf, set, get state() { return state; } };
  const focus = languageFocus(tools), multiples = smallMultiples(tools);
  const section = data.map ? spaceSection(tools) : null;
  for (const id of ["measure", "language"]) started[id] = options(id)[0] ?? null;
  readAddress();
  for (const id of CHOOSERS) $(id)?.addEventListener("change", (event) => set({ [id]: event.target.value }, 400));
  $("layer").addEventListener("input", (event) => set({ layer: data.layers[Number(event.target.value)] }));
  $("play").addEventListener("click", play);
  $("theme").addEventListener("click", () => set({ theme: dark() ? "light" : "dark" }));
  $("confused")?.addEventListener("change", showConfusions);
  $("download")?.addEventListener("click", download);
  for (const button of document.querySelectorAll(".show")) button.addEventListener("click", () => {
    set(JSON.parse(button.dataset.choice));
    $("first").scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
  });
  prefersDark.addEventListener("change", () => show());
  addEventListener("hashchange", () => { readAddress(); show(); });
  addEventListener("beforeprint", () => forPrint(true));
  addEventListener("afterprint", () => forPrint(false));
  show();
  /* One figure a frame, so that the first is there before a grid of 200 languages below it is drawn. */
  const waiting = [];
  function drawNext() {
    drawFigure(waiting[0]);
    waiting.shift();
    if (waiting.length) requestAnimationFrame(drawNext);
  }
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target: { id } } of entries) if (isIntersecting && !seen.has(id)) {
      seen.add(id);
      if (waiting.push(id) === 1) requestAnimationFrame(drawNext);
    }
  }, { rootMargin: "800px" });
  for (const id of panels.keys()) watcher.observe($(id));
  globalThis.repalign = { data, maps: section?.maps, view: section?.view, set, state: () => ({ ...state }) };
})();
