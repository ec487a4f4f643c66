"use strict";
/* One checkpoint's map of the semantic space, drawn on a canvas. All maps share the page's `view`: hidden (languages),
   chosen (the language that stands out, or null), matches (sentences that match the search, or null), selected (points
   within a lasso, or null), sentence and language (highlighted), density (whether it is shaded), colourOf. */

/* Number of corners, angle of the first in half turns, and radius of every second corner. */
const CORNERS = { diamond: [4, 0, 1], "triangle-up": [3, -0.5, 1], "triangle-down": [3, 0.5, 1], pentagon: [5, -0.5, 1], star: [10, -0.5, 0.45], hexagon: [6, 0, 1] };
const FADED = 0.14;

class SpaceMap {
  constructor(canvas, space, view) {
    Object.assign(this, { canvas, space, view });
    this.pen = canvas.getContext("2d");
    this.count = space.rows.length;
    this.lasso = null;
    this.reset();
  }

  reset() {
    Object.assign(this, { zoom: 1, shift: [0, 0], turn: [0.5, 0.35] });
  }

  /* Move to one layer of a sheet. sheet.places: [layer, language, sentence, dim], flattened. */
  show(sheet, layer, milliseconds) {
    const target = this.places(sheet, layer);
    const moves = this.sheet && this.sheet.dims === sheet.dims && milliseconds > 0;
    if (this.sheet !== sheet) this.reach = SpaceMap.reach(sheet.places);
    const from = moves ? this.now : null;
    Object.assign(this, { sheet, layer, now: Float32Array.from(target) });
    const run = (this.run = {});
    if (!from) return this.draw();
    const begin = performance.now();
    const step = (time) => {
      if (this.run !== run) return;
      const part = Math.min(1, Math.max(0, (time - begin) / milliseconds)), eased = part * part * (3 - 2 * part);
      this.mix(from, target, eased);
      if (part < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /* The points of a layer of a sheet. */
  places(sheet, layer) {
    const size = this.space.languages.length * this.count * sheet.dims;
    return sheet.places.subarray(layer * size, (layer + 1) * size);
  }

  /* A part of the way from one layer's points to another's. */
  mix(from, to, part) {
    for (let i = 0; i < to.length; i++) this.now[i] = from[i] + (to[i] - from[i]) * part;
    this.draw();
  }

  /* One scale for all layers, so that only points move; a few outliers may fall outside. */
  static reach(places) {
    const sizes = Float32Array.from(places, Math.abs).sort();
    return (sizes[Math.floor(sizes.length * 0.998)] || 1) * 1.1;
  }

  /* Position of a point on the canvas, in CSS pixels. */
  at(language, sentence) {
    const i = (language * this.count + sentence) * this.sheet.dims;
    let x = this.now[i], y = this.now[i + 1];
    if (this.sheet.dims === 3) {
      const z = this.now[i + 2], [a, b] = this.turn;
      const deep = z * Math.cos(a) - x * Math.sin(a);
      x = x * Math.cos(a) + z * Math.sin(a);
      y = y * Math.cos(b) - deep * Math.sin(b);
    }
    const { width, height } = this, unit = (this.zoom * Math.min(width, height)) / 2 / this.reach;
    return [width / 2 + x * unit + this.shift[0], height / 2 - y * unit + this.shift[1]];
  }

  fit() {
    const ratio = devicePixelRatio || 1, { canvas } = this;
    [this.width, this.height] = [canvas.clientWidth, canvas.clientHeight];
    const [w, h] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.clearRect(0, 0, this.width, this.height);
  }

  /* Numbers of the languages that are shown. */
  shown() {
    return [...this.space.languages.keys()].filter((l) => !this.view.hidden.has(this.space.languages[l]));
  }

  /* Whether a point stands back: something else was searched for, selected, chosen or highlighted. */
  faded(l, s) {
    const { matches, selected, chosen, sentence } = this.view;
    if (matches) return !matches.has(s);
    if (selected) return !selected.has(l * this.count + s);
    if (sentence !== null) return s !== sentence;
    return chosen !== null && this.space.languages[l] !== chosen;
  }

  draw() {
    if (!this.sheet) return;
    this.fit();
    const { view, pen } = this, shown = this.shown();
    if (view.density) shadeDensity(this, shown);
    for (const back of [true, false]) {
      pen.globalAlpha = back ? FADED : view.density ? 0.45 : 0.85;
      for (const l of shown) for (let s = 0; s < this.count; s++) if (this.faded(l, s) === back) this.mark(l, s, view.density ? 2.2 : 3.2);
    }
    pen.globalAlpha = 1;
    if (view.sentence !== null && shown.length) this.threads(view.sentence, shown);
    if (this.lasso) this.outline(this.lasso);
  }

  mark(language, sentence, size) {
    const [x, y] = this.at(language, sentence), { pen } = this;
    pen.fillStyle = this.view.colourOf(this, language, sentence);
    pen.beginPath();
    const shape = this.space.styles[language].symbol;
    if (shape === "square") pen.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
    else if (!CORNERS[shape]) pen.arc(x, y, size, 0, 2 * Math.PI);
    else {
      const [corners, first, inner] = CORNERS[shape];
      for (let c = 0; c < corners; c++) {
        const angle = (2 * Math.PI * c) / corners + first * Math.PI, far = 1.3 * size * (c % 2 ? inner : 1);
        pen.lineTo(x + far * Math.cos(angle), y + far * Math.sin(angle));
      }
    }
    pen.fill();
  }

  /* Lines from the highlighted sentence to its translations, and dashed ones to its nearest sentences of the pivot. */
  threads(sentence, shown) {
    const { pen } = this, style = getComputedStyle(this.canvas);
    const language = shown.includes(this.view.language) ? this.view.language : shown[0];
    const from = this.at(language, sentence), pivot = this.space.languages.indexOf(this.space.pivot);
    const wrong = shown.includes(pivot) ? this.nearestOf(language, sentence).filter((s) => s !== sentence) : [];
    Object.assign(pen, { strokeStyle: style.color, lineWidth: 1, font: "600 12px system-ui, sans-serif" });
    for (const l of shown) this.line(from, this.at(l, sentence), []);
    for (const s of wrong) this.line(from, this.at(pivot, s), [4, 3]);
    for (const s of wrong) this.mark(pivot, s, 4.5);
    for (const l of shown) this.mark(l, sentence, 6);
    const taken = [];
    for (const l of shown) this.label(this.space.languages[l], this.at(l, sentence), style, taken);
  }

  line(from, to, dashes) {
    this.pen.setLineDash(dashes);
    this.pen.beginPath();
    this.pen.moveTo(...from);
    this.pen.lineTo(...to);
    this.pen.stroke();
    this.pen.setLineDash([]);
  }

  /* A name beside a point, at the first place where it covers no other. */
  label(name, [x, y], style, taken) {
    const { pen } = this, wide = pen.measureText(name).width, places = [];
    for (let far = 0; far < 6; far++) for (const side of [8, -8 - wide]) for (const up of [-6 - 15 * far, 14 + 15 * far]) places.push([x + side, y + up]);
    const free = ([left, base]) => taken.every(([l, b, w]) => left + wide < l || left > l + w || Math.abs(base - b) > 13);
    const [left, base] = places.find(free) ?? places[0];
    taken.push([left, base, wide]);
    Object.assign(pen, { strokeStyle: style.backgroundColor, fillStyle: style.color, lineWidth: 3 });
    pen.strokeText(name, left, base);
    pen.fillText(name, left, base);
  }

  outline(points) {
    const { pen } = this, style = getComputedStyle(this.canvas);
    Object.assign(pen, { strokeStyle: style.color, lineWidth: 1.5 });
    pen.setLineDash([5, 4]);
    pen.beginPath();
    for (const point of points) pen.lineTo(...point);
    pen.closePath();
    pen.stroke();
    pen.setLineDash([]);
  }

  /* The points within an outline on the canvas, as [language, sentence], of the languages that are shown. */
  within(outline) {
    const path = new Path2D();
    for (const point of outline) path.lineTo(...point);
    this.pen.setTransform(1, 0, 0, 1, 0, 0); // the outline is in CSS pixels
    const found = [];
    for (const l of this.shown()) for (let s = 0; s < this.count; s++) if (this.pen.isPointInPath(path, ...this.at(l, s))) found.push([l, s]);
    return found;
  }

  /* The point nearest to a position on the canvas, as [language, sentence]; null if none is close enough. */
  nearest(x, y, within = 14) {
    let best = null, least = within * within;
    for (const l of this.shown()) {
      for (let s = 0; s < this.count; s++) {
        if (this.view.matches && !this.view.matches.has(s)) continue;
        const [px, py] = this.at(l, s), far = (px - x) ** 2 + (py - y) ** 2;
        if (far < least) [least, best] = [far, [l, s]];
      }
    }
    return best;
  }

  index(language, sentence) {
    return (this.layer * this.space.languages.length + language) * this.count + sentence;
  }

  /* A score of one sentence at the current layer: "cosine" or "margin". */
  score(kind, language, sentence) {
    return this.sheet[kind][this.index(language, sentence)] / 1e4;
  }

  /* The sentences of the pivot that are nearest to a sentence in all dims, the nearest first. */
  nearestOf(language, sentence) {
    const ranks = 3, start = this.index(language, sentence) * ranks;
    return [...this.sheet.nearest.subarray(start, start + ranks)].filter((s) => s < this.count);
  }
}
