"use strict";
/* The semantic space section: linked maps, the highlighted sentence, and the card with its translations. */

function spaceSection(page) {
  const { $, make, unpack, data, started, still, layerOf, set } = page, state = () => page.state;
  const space = data.map, maps = [];
  const view = { hidden: new Set(), matches: null, sentence: null, language: null, colourOf: null };
  let pinned = false;
  const SEPARATOR = "\n"; // no name on the page holds one
  const HEAT = ["#2f79c4", "#8f8f8f", "#d9730d"];
  function blend(part) {
    const [a, b] = part < 0.5 ? HEAT : HEAT.slice(1), t = (part < 0.5 ? part : part - 0.5) * 2;
    return `rgb(${[1, 3, 5].map((i) => Math.round(parseInt(a.slice(i, i + 2), 16) * (1 - t) + parseInt(b.slice(i, i + 2), 16) * t))})`;
  }
  const between = (low, value, high) => Math.max(low, Math.min(high, value));
  const ramp = () => make("span", { className: "ramp" });
  const COLOURS = {
    language: { of: (map, l) => space.styles[l].colour, key: () => [] },
    group: {
      of: (map, l, s) => `hsl(${space.hues[s]} 55% 48%)`,
      key: () => [`A sentence and its translations share a colour: the position of the ${data.pivot} sentence at layer ${started.layer}.`],
    },
    length: {
      of: (map, l, s) => blend(between(0, space.sentences[l].tokens[s] / space.longest, 1)),
      key: () => ["short", ramp(), `${space.longest} tokens or more`],
    },
    score: {
      of: (map, l, s) => blend(between(0, 0.5 + map.score("margin", l, s) * 2, 1)),
      key: () => ["another sentence is nearer", ramp(), "translation is nearest"],
    },
  };

  function prepare() {
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
    const styles = new Map(data.languages.map((one) => [one.code, one]));
    space.styles = space.languages.map((code) => styles.get(code));
    space.hues = hues();
    const names = [...new Set(space.sheets.map((sheet) => sheet.map))];
    $("map").replaceChildren(...names.map((name) => new Option(name, name)));
    started.map = names[0];
    for (const checkpoint of new Set(space.sheets.map((sheet) => sheet.checkpoint))) addMap(checkpoint);
    for (const style of space.styles) addLegend(style);
  }

  /* Neighbours in the pivot language, at the page's first layer, get similar hues. */
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
  /* All maps rotate and move together. */
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
    set({ layer: data.layers[between(0, data.layers.indexOf(state().layer) + by, data.layers.length - 1)] });
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

  /* The highlighted sentence in all languages, with its cosines in each checkpoint. */
  function card() {
    const s = view.sentence;
    if (s === null) return $("card").replaceChildren($("map-help").content.cloneNode(true));
    const head = make("tr", {}, make("th", { scope: "col", textContent: "Language" }), make("th", { scope: "col", textContent: `Sentence ${space.rows[s]}` }));
    for (const map of maps) head.append(make("th", { scope: "col" }, "cosine", ...(maps.length > 1 ? [", ", make("bdi", { textContent: map.checkpoint })] : [])));
    const rows = space.languages.map((code, l) => {
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = space.styles[l].colour;
      const row = make("tr", { className: l === view.language ? "chosen" : "" }, make("th", { scope: "row" }, swatch, code), make("td", { className: "text" }, sentenceText(l, s)));
      for (const map of maps) {
        const cosine = map.score("cosine", l, s), found = map.score("margin", l, s) > 0;
        const mark = code === data.pivot ? "" : found ? " ✓" : " ✗";
        row.append(make("td", { className: "number", textContent: cosine.toFixed(3) + mark }));
      }
      return row;
    });
    const note = `Cosine with the translation in ${data.pivot} (for ${data.pivot}: the mean over the others), in all dimensions; ✓ if no other sentence of the map is nearer.`;
    $("card").replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)), make("p", { className: "note", textContent: note }));
  }

  function addLegend(style) {
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = style.colour;
    const button = make("button", { type: "button" }, swatch, style.name === style.code ? style.code : `${style.name} (${style.code})`);
    button.dataset.code = style.code;
    button.addEventListener("click", () => {
      const hidden = new Set(view.hidden);
      if (!hidden.delete(style.code)) hidden.add(style.code);
      set({ hide: [...hidden].join(SEPARATOR) }, 0);
    });
    $("legend").append(button);
  }

  function show(milliseconds) {
    view.hidden = new Set(state().hide.split(SEPARATOR).filter(Boolean));
    view.colourOf = COLOURS[state().colour].of;
    $("scale").replaceChildren(...COLOURS[state().colour].key());
    $("scale").hidden = state().colour === "language";
    const query = state().find.trim().toLocaleLowerCase();
    view.matches = query ? new Set([...space.rows.keys()].filter((s) => space.sentences.some((one) => one.low[s].includes(query)))) : null;
    $("found").textContent = view.matches ? `${view.matches.size} found` : "";
    for (const button of $("legend").children) button.setAttribute("aria-pressed", String(!view.hidden.has(button.dataset.code)));
    const at = state().sentence === "" ? -1 : space.rows.indexOf(Number(state().sentence));
    if (at >= 0 || pinned) Object.assign(view, { sentence: at >= 0 ? at : null, language: at >= 0 ? (view.language ?? 0) : null });
    pinned = at >= 0;
    for (const map of maps) {
      const sheets = space.sheets.filter((sheet) => sheet.checkpoint === map.checkpoint);
      const same = sheets.filter((sheet) => sheet.map === state().map);
      const sheet = same.find((one) => one.variant === state().variant) ?? same[0] ?? sheets[0];
      const number = layerOf(map.checkpoint), layer = Math.max(0, sheet.layers.indexOf(number));
      map.show(sheet, layer, still.matches ? 0 : milliseconds);
      const kept = Math.round(100 * sheet.knn_overlap[layer]);
      map.faith.textContent = `${sheet.map}, ${sheet.variant}, layer ${sheet.layers[layer]}. Trustworthiness ${sheet.trustworthiness[layer].toFixed(2)} (1 is perfect, 0.5 is chance); ${kept}% of each sentence's 10 nearest neighbours are kept.`;
      map.canvas.setAttribute("aria-label", `Map of ${map.count} sentences in ${maps.length > 1 ? map.checkpoint + ", " : ""}${space.languages.length} languages, layer ${sheet.layers[layer]}`);
    }
    card();
    $("find").value = state().find;
  }

  for (const [id, factor] of [["nearer", 1.5], ["farther", 1 / 1.5], ["whole", 0]]) $(id).addEventListener("click", () => zoom(factor));
  $("find").addEventListener("input", (event) => set({ find: event.target.value }, 0));
  prepare();
  return { maps, view, show };
}
