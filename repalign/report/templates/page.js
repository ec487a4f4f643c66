"use strict";
/* The page: its state (also in the address), its controls, and the figures that follow them. */
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const KINDS = { f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array };

  function unpack({ dtype, bdata }) {
    const bytes = Uint8Array.from(atob(bdata), (c) => c.charCodeAt(0));
    return new KINDS[dtype](bytes.buffer);
  }

  /* ---- state, kept in the address ---- */
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const state = { ...data.start, layer: null, map: null, colour: "language", hide: "", sentence: "", find: "", theme: "" };
  const started = { ...state };
  function readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    for (const key of Object.keys(state)) state[key] = given.has(key) ? given.get(key) : started[key];
    if (state.layer !== null) state.layer = Number(state.layer);
  }
  function writeAddress() {
    const kept = Object.entries(state).filter(([key, value]) => value !== started[key] && value !== null);
    history.replaceState(null, "", "#" + new URLSearchParams(kept));
  }
  function set(changes) {
    Object.assign(state, changes);
    writeAddress();
    show();
  }

  /* ---- figures ---- */
  const dark = () => (state.theme ? state.theme === "dark" : prefersDark.matches);
  const panels = new Map(data.panels.map((panel) => [panel.id, panel]));
  const visible = new Set();
  function picture(panel) {
    const score = (p) => Object.entries(p.choice).reduce((sum, [key, value]) =>
      sum + (key === "layer" ? -Math.abs(value - (state.layer ?? 0)) / 1e4 : String(value) === String(state[key]) ? 1 : 0), 0);
    return panel.pictures.reduce((best, p) => (score(p) > score(best) ? p : best));
  }
  function drawFigure(id) {
    const chosen = picture(panels.get(id)), key = `${panels.get(id).pictures.indexOf(chosen)}|${dark()}`;
    if ($(id).dataset.shown === key) return;
    $(id).dataset.shown = key;
    const layout = structuredClone(chosen.layout);
    layout.template = data.sheets[dark() ? "dark" : "light"];
    layout.autosize = true;
    Plotly.react($(id), structuredClone(chosen.data), layout, { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d"] });
  }

  /* ---- the map ---- */
  const space = data.space;
  const maps = [];
  let pinned = false;
  const view = { hidden: new Set(), matches: null, sentence: null, language: null, colourOf: () => "#888" };
  const HEAT = ["#2f79c4", "#8f8f8f", "#d9730d"];
  function blend(part) {
    const [a, b] = part < 0.5 ? HEAT : HEAT.slice(1), t = (part < 0.5 ? part : part - 0.5) * 2;
    const mixed = [1, 3, 5].map((i) => Math.round(parseInt(a.slice(i, i + 2), 16) * (1 - t) + parseInt(b.slice(i, i + 2), 16) * t));
    return `rgb(${mixed})`;
  }
  const colours = {
    language: (map, l) => map.languages[l].colour,
    sentence: (map, l, s) => `hsl(${Math.round((360 * s) / map.count)} 60% 48%)`,
    length: (map, l, s) => blend(Math.min(1, space.sentences[l].tokens[s] / space.longest)),
    score: (map, l, s) => blend(0.5 + Math.max(-0.5, Math.min(0.5, map.margin(l, s) * 2))),
  };

  function prepareSpace() {
    if (!space) return;
    for (const sheet of space.sheets) {
      sheet.dims = Number(sheet.places.shape.split(", ")[3]);
      for (const key of ["places", "cosine", "margin", "trustworthiness", "knn_overlap"]) sheet[key] = unpack(sheet[key]);
    }
    space.rows = unpack(space.rows);
    for (const one of space.sentences) { one.tokens = unpack(one.tokens); one.group = unpack(one.group); }
    space.longest = Math.max(...space.sentences.map((one) => one.tokens.reduce((a, b) => Math.max(a, b), 1)));
    const looks = new Map(data.languages.map((one) => [one.code, one]));
    space.looks = space.languages.map((code) => looks.get(code));
    space.layers = space.sheets.reduce((most, sheet) => (sheet.layers.length > most.length ? sheet.layers : most), []);
    const names = [...new Set(space.sheets.map((sheet) => sheet.map))];
    $("map").replaceChildren(...names.map((name) => new Option(name, name)));
    started.map = state.map = names[0];
    for (const checkpoint of new Set(space.sheets.map((sheet) => sheet.checkpoint))) addMap(checkpoint);
    for (const look of space.looks) addLegend(look);
    $("layer").max = space.layers.length - 1;
    started.layer = state.layer = space.layers[Math.floor(space.layers.length / 2)];
  }

  function addMap(checkpoint) {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas");
    const caption = document.createElement("figcaption"), faith = document.createElement("p");
    figure.className = "panel"; faith.className = "note"; caption.textContent = checkpoint;
    canvas.tabIndex = 0; canvas.setAttribute("role", "img"); canvas.dataset.checkpoint = checkpoint;
    canvas.setAttribute("aria-label", `Map of sentences in ${checkpoint}`);
    figure.append(caption, canvas, faith);
    $("maps").append(figure);
    const map = Object.assign(new SpaceMap(canvas, space, space.looks), { checkpoint, faith });
    map.margin = (l, s) => map.sheet.margin[(map.layer * space.languages.length + l) * map.count + s] / 1e4;
    map.cosine = (l, s) => map.sheet.cosine[(map.layer * space.languages.length + l) * map.count + s] / 1e4;
    maps.push(map);
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons && map.sheet.dims === 3) {
        for (const other of maps) { other.turn[0] += event.movementX / 120; other.turn[1] += event.movementY / 120; other.draw(); }
        return;
      }
      if (!pinned) light(map.nearest(event.offsetX, event.offsetY), map);
    });
    canvas.addEventListener("pointerleave", () => { if (!pinned) light(null, map); });
    canvas.addEventListener("click", (event) => {
      const hit = map.nearest(event.offsetX, event.offsetY);
      pinned = hit !== null;
      light(hit, map);
      state.sentence = hit ? String(space.rows[hit[1]]) : "";
      writeAddress();
    });
    canvas.addEventListener("keydown", (event) => keys(event, map));
    new ResizeObserver(() => map.sheet && map.draw()).observe(canvas);
  }

  function keys(event, map) {
    const layers = space.layers, at = layers.indexOf(state.layer), s = view.sentence;
    const acts = {
      ArrowRight: () => set({ layer: layers[Math.min(layers.length - 1, at + 1)] }),
      ArrowLeft: () => set({ layer: layers[Math.max(0, at - 1)] }),
      ArrowDown: () => choose(s === null ? 0 : (s + 1) % map.count, map),
      ArrowUp: () => choose(s === null ? map.count - 1 : (s + map.count - 1) % map.count, map),
      Escape: () => { pinned = false; state.sentence = ""; light(null, map); writeAddress(); },
    };
    if (acts[event.key]) { event.preventDefault(); acts[event.key](); }
  }
  function choose(sentence, map) {
    pinned = true;
    state.sentence = String(space.rows[sentence]);
    light([view.language ?? 0, sentence], map);
    writeAddress();
  }

  function light(hit, map) {
    view.sentence = hit ? hit[1] : null;
    view.language = hit ? hit[0] : null;
    for (const one of maps) one.draw();
    card(map);
  }
  function card(map) {
    const list = document.createElement("ul");
    if (view.sentence !== null) space.languages.forEach((code, l) => {
      const item = document.createElement("li"), mark = document.createElement("b"), text = document.createElement("bdi"), near = document.createElement("span");
      mark.textContent = code; mark.style.color = space.looks[l].colour;
      text.textContent = space.sentences[l].text[view.sentence]; text.dir = "auto"; text.lang = code; text.className = "text";
      near.textContent = maps.map((one) => one.cosine(l, view.sentence).toFixed(2)).join(" · ");
      item.append(mark, text, near);
      list.append(item);
    });
    $("card").replaceChildren(list);
  }

  function addLegend(look) {
    const button = document.createElement("button"), mark = document.createElement("span");
    button.type = "button"; button.dataset.code = look.code;
    mark.textContent = "●"; mark.style.color = look.colour; mark.setAttribute("aria-hidden", "true");
    button.append(mark, look.name === look.code ? look.code : `${look.name} (${look.code})`);
    button.addEventListener("click", () => {
      const hidden = new Set(view.hidden);
      if (!hidden.delete(look.code)) hidden.add(look.code);
      set({ hide: [...hidden].join(",") });
    });
    $("legend").append(button);
  }

  function showSpace() {
    if (!space) return;
    view.hidden = new Set(state.hide.split(",").filter(Boolean));
    view.colourOf = colours[state.colour] ?? colours.language;
    const wanted = state.find.trim().toLocaleLowerCase();
    view.matches = wanted ? new Set([...space.rows.keys()].filter((s) => space.sentences.some((one) => one.text[s].toLocaleLowerCase().includes(wanted)))) : null;
    $("found").textContent = view.matches ? `${view.matches.size} found` : "";
    for (const button of $("legend").children) button.setAttribute("aria-pressed", String(!view.hidden.has(button.dataset.code)));
    const depth = space.layers.indexOf(state.layer) / Math.max(1, space.layers.length - 1);
    for (const map of maps) {
      const mine = space.sheets.filter((sheet) => sheet.checkpoint === map.checkpoint);
      const sheet = mine.find((one) => one.map === state.map && one.variant === state.variant) ?? mine.find((one) => one.map === state.map) ?? mine[0];
      const layer = Math.round(depth * (sheet.layers.length - 1));
      map.show(sheet, layer, view);
      map.faith.textContent = `${sheet.map}, ${sheet.variant}, layer ${sheet.layers[layer]}: trustworthiness ${sheet.trustworthiness[layer].toFixed(2)}, ${Math.round(100 * sheet.knn_overlap[layer])}% of true neighbours kept`;
    }
    if (state.sentence !== "") {
      const at = space.rows.indexOf(Number(state.sentence));
      if (at >= 0) { pinned = true; view.sentence = at; view.language ??= 0; }
    }
    card(maps[0]);
    $("layer").value = space.layers.indexOf(state.layer);
    $("layer-shown").value = String(state.layer);
    $("layer").setAttribute("aria-valuetext", `layer ${state.layer}`);
    $("map").value = state.map; $("colour").value = state.colour; $("find").value = state.find;
  }

  /* ---- everything that the state decides ---- */
  function show() {
    document.documentElement.dataset.theme = dark() ? "dark" : "light";
    $("theme").setAttribute("aria-pressed", String(dark()));
    $("metric").value = state.metric; $("variant").value = state.variant;
    for (const id of visible) drawFigure(id);
    showSpace();
  }

  let playing = null;
  function play() {
    const stop = playing !== null;
    if (stop) { clearInterval(playing); playing = null; }
    else playing = setInterval(() => {
      const layers = space.layers;
      set({ layer: layers[(layers.indexOf(state.layer) + 1) % layers.length] });
    }, 700);
    $("play").textContent = stop ? "Play" : "Pause";
    $("play").setAttribute("aria-pressed", String(!stop));
  }

  async function download() {
    const bytes = Uint8Array.from(atob(data.csv), (c) => c.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await new Response(plain).blob());
    link.download = "profile.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  prepareSpace();
  readAddress();
  for (const id of ["metric", "variant", "map", "colour"]) $(id)?.addEventListener("change", (event) => set({ [id]: event.target.value }));
  $("find")?.addEventListener("input", (event) => set({ find: event.target.value }));
  $("layer")?.addEventListener("input", (event) => set({ layer: space.layers[Number(event.target.value)] }));
  $("play")?.addEventListener("click", play);
  $("download").addEventListener("click", download);
  $("theme").addEventListener("click", () => set({ theme: dark() ? "light" : "dark" }));
  prefersDark.addEventListener("change", show);
  addEventListener("hashchange", () => { readAddress(); show(); });
  for (const button of document.querySelectorAll(".show")) button.addEventListener("click", () => { set(JSON.parse(button.dataset.choice)); $("curves").scrollIntoView(); });
  show();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting && !visible.has(entry.target.id)) { visible.add(entry.target.id); drawFigure(entry.target.id); }
  }, { rootMargin: "300px" });
  for (const id of panels.keys()) if ($(id)) watcher.observe($(id));
  addEventListener("beforeprint", () => { for (const id of panels.keys()) if ($(id)) drawFigure(id); });
})();
