"use strict";
/* The semantic space section: linked maps, the highlighted sentence, and the card with its translations. */

function spaceSection(page) {
  const { $, make, unpack, data, started, still, layerOf, set } = page, state = () => page.state;
  const space = data.map, maps = [];
  const view = { hidden: new Set(), chosen: null, matches: null, selected: null, sentence: null, language: null, density: false, colourOf: null };
  let pinned = false, selecting = false, lasso = null;
  const LISTED = 100; // sentences of a list
  const CROWDED = 4000; // points on a map that is shaded from the start
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
      for (const key of ["places", "cosine", "margin", "nearest", "trustworthiness", "knn_overlap"]) sheet[key] = unpack(sheet[key]);
      if (exact) sheet.places = Float32Array.from(sheet.places, (units) => units * space.grain);
    }
    space.rows = unpack(space.rows);
    space.pivot = data.pivot;
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
    view.density = space.rows.length * space.languages.length > CROWDED;
    $("morph-from").hidden = maps.length < 2;
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
    canvas.addEventListener("pointerdown", (event) => {
      dragged = false;
      lasso = selecting || event.shiftKey ? [[event.offsetX, event.offsetY]] : null;
      if (lasso) canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons && (event.movementX || event.movementY)) {
        dragged = true;
        if (!lasso) return drag(map, event.movementX, event.movementY);
        lasso.push([event.offsetX, event.offsetY]);
        map.lasso = lasso;
        return map.draw();
      }
      const hit = map.nearest(event.offsetX, event.offsetY);
      tip(pinned ? null : hit, event);
      if (!pinned) light(hit);
    });
    canvas.addEventListener("pointerup", () => {
      if (lasso && dragged) select(map.within(lasso));
      lasso = map.lasso = null;
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
      "+": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: () => zoom(), Escape: () => { select([]); release(); },
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

  const swatchOf = (l) => {
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = space.styles[l].colour;
    return swatch;
  };
  const heading = (text) => make("th", { scope: "col", textContent: text });
  const ofCheckpoint = (map) => (maps.length > 1 ? [", ", make("bdi", { textContent: map.checkpoint })] : []);

  /* The highlighted sentence in all languages: its cosine with the pivot in each checkpoint, and what is nearer there. */
  function card() {
    const s = view.sentence;
    if (s === null) return $("card").replaceChildren($("map-help").content.cloneNode(true));
    const head = make("tr", {}, heading("Language"), heading(`Sentence ${space.rows[s]}`));
    for (const map of maps) head.append(make("th", { scope: "col" }, "cosine", ...ofCheckpoint(map)));
    const rows = space.languages.map((code, l) => {
      const row = make("tr", { className: l === view.language ? "chosen" : "" }, make("th", { scope: "row" }, swatchOf(l), code), make("td", { className: "text" }, sentenceText(l, s)));
      for (const map of maps) {
        const cosine = map.score("cosine", l, s), found = map.score("margin", l, s) > 0;
        const mark = code === data.pivot ? "" : found ? " ✓" : " ✗";
        row.append(make("td", { className: "number", textContent: cosine.toFixed(3) + mark }));
      }
      return row;
    });
    const note = `Cosine with the translation in ${data.pivot} (for ${data.pivot}: the mean over the others), in all dimensions; ✓ if no other sentence of the map is nearer.`;
    $("card").replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)), make("p", { className: "note", textContent: note }), ...maps.map((map) => neighbours(map, s)));
  }

  /* What lies nearest to the highlighted sentence in all dims: sentences of the pivot; or, of the pivot's, those that it is nearest to. */
  function neighbours(map, s) {
    const l = view.language ?? 0, pivot = space.languages.indexOf(data.pivot), ofPivot = l === pivot;
    const found = ofPivot
      ? [...space.languages.keys()].filter((other) => other !== pivot).flatMap((other) => [...space.rows.keys()].filter((t) => map.nearestOf(other, t)[0] === s).map((t) => [other, t]))
      : map.nearestOf(l, s).map((t) => [pivot, t]);
    const title = ofPivot ? `Sentences whose nearest in ${data.pivot} is this one` : `Nearest in ${data.pivot} to the ${space.languages[l]} sentence`;
    const items = found.slice(0, 12).map(([other, t]) => make("li", {}, swatchOf(other), ...(ofPivot ? [make("b", { textContent: `${space.languages[other]} ` })] : []), jump(other, t), t === s ? " ✓ its translation" : ""));
    const more = found.length > items.length ? [make("li", { className: "note", textContent: `and ${found.length - items.length} more` })] : [];
    const list = found.length ? make(ofPivot ? "ul" : "ol", {}, ...items, ...more) : make("p", { className: "note", textContent: "none on this map" });
    return make("div", { className: "neighbours" }, make("h3", {}, title, ...ofCheckpoint(map)), list);
  }

  /* A sentence as a button that keeps it. */
  function jump(l, s) {
    const button = make("button", { type: "button", className: "sentence" }, sentenceText(l, s));
    button.addEventListener("click", () => pin(l, s));
    return button;
  }

  /* ---- search and selection ---- */
  function select(points) {
    view.selected = points.length ? new Set(points.map(([l, s]) => l * space.rows.length + s)) : null;
    for (const map of maps) map.draw();
    list();
  }
  const selectedPoints = () => [...view.selected].map((i) => [Math.floor(i / space.rows.length), i % space.rows.length]);

  /* The sentences found or selected, below the map. */
  function list() {
    const query = state().find.trim().toLocaleLowerCase();
    const points = view.matches
      ? [...view.matches].flatMap((s) => [...space.languages.keys()].filter((l) => space.sentences[l].low[s].includes(query)).map((l) => [l, s]))
      : view.selected ? selectedPoints() : [];
    $("listed").hidden = !points.length;
    if (!points.length) return;
    const counts = space.languages.map((code, l) => [code, points.filter(([other]) => other === l).length]).filter(([, count]) => count);
    $("listed-count").textContent = `${points.length} ${view.matches ? "found" : "selected"}: ${counts.map(([code, count]) => `${code} ${count}`).join(", ")}` + (points.length > LISTED ? `; the first ${LISTED} are listed` : "");
    $("listed-rows").replaceChildren(...points.slice(0, LISTED).map(([l, s]) => make("tr", {}, make("th", { scope: "row" }, swatchOf(l), space.languages[l]), make("td", { className: "number", textContent: space.rows[s] }), make("td", {}, jump(l, s)))));
  }

  /* Enter keeps one found sentence after the other. */
  function next() {
    const found = [...(view.matches ?? [])];
    if (!found.length) return;
    const s = found[(found.indexOf(view.sentence) + 1) % found.length], query = state().find.trim().toLocaleLowerCase();
    pin(Math.max(0, space.sentences.findIndex((one) => one.low[s].includes(query))), s);
  }

  /* ---- one map from the first checkpoint to the last ---- */
  /* The first map's points, moved towards those of the other checkpoints at the same depth. */
  function morph() {
    const along = Number($("morph").value) / 100, on = $("morph-on").checked;
    $("maps").classList.toggle("one", on);
    $("morph-controls").hidden = !on;
    maps[0].canvas.previousElementSibling.hidden = on;
    if (!on) return;
    const before = Math.min(maps.length - 2, Math.floor(along)), [a, b] = [maps[before], maps[before + 1]];
    if (a.sheet.dims !== b.sheet.dims) return;
    maps[0].reach = Math.max(...maps.map((map) => SpaceMap.reach(map.sheet.places)));
    maps[0].run = {}; // a move between layers that is under way stops
    maps[0].mix(a.places(a.sheet, a.layer), b.places(b.sheet, b.layer), along - before);
    const part = Math.round(100 * (along - before));
    maps[0].faith.textContent = "Every sentence moves from its place in one checkpoint to its place in the next, at the same depth. Nothing was measured in between.";
    $("morph-shown").replaceChildren(part < 100 ? make("bdi", { textContent: a.checkpoint }) : "", part ? ` → ${part}% ` : "", part ? make("bdi", { textContent: b.checkpoint }) : "");
  }
  let morphing = null;
  function playMorph() {
    const last = 100 * (maps.length - 1);
    if (morphing !== null) return stopMorph();
    if (Number($("morph").value) >= last) $("morph").value = 0;
    $("morph-play").textContent = "Pause";
    morphing = setInterval(() => {
      $("morph").value = Number($("morph").value) + (still.matches ? 100 : 2);
      morph();
      if (Number($("morph").value) >= last) stopMorph();
    }, still.matches ? 1000 : 30);
  }
  function stopMorph() {
    morphing = clearInterval(morphing) ?? null;
    $("morph-play").textContent = "Play";
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
    view.chosen = space.languages.includes(state().lang) ? state().lang : null;
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
    list();
    morph();
    if ($("find").value !== state().find) $("find").value = state().find;
    $("density").setAttribute("aria-pressed", String(view.density));
  }

  for (const [id, factor] of [["nearer", 1.5], ["farther", 1 / 1.5], ["whole", 0]]) $(id).addEventListener("click", () => zoom(factor));
  $("find").addEventListener("input", (event) => set({ find: event.target.value }, 0));
  $("find").addEventListener("keydown", (event) => { if (event.key === "Enter") next(); });
  $("density").addEventListener("click", () => { view.density = !view.density; show(0); });
  $("select").addEventListener("click", () => {
    selecting = !selecting;
    $("select").setAttribute("aria-pressed", String(selecting));
    $("maps").classList.toggle("selecting", selecting);
  });
  $("unselect").addEventListener("click", () => { select([]); if (state().find) set({ find: "" }, 0); });
  $("morph-on").addEventListener("change", () => { stopMorph(); show(0); });
  $("morph").addEventListener("input", morph);
  $("morph-play").addEventListener("click", playMorph);
  prepare();
  $("morph").max = 100 * (maps.length - 1);
  return { maps, view, show };
}
