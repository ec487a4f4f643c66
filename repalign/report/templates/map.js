"use strict";
/* One checkpoint's map of the semantic space, drawn on a canvas. All maps share the page's `view`: hidden (languages),
   matches (sentences that match the search, or null), sentence and language (highlighted), colourOf. */

/* Number of corners, angle of the first in half turns, and radius of every second corner. */
const CORNERS = { diamond: [4, 0, 1], "triangle-up": [3, -0.5, 1], "triangle-down": [3, 0.5, 1], pentagon: [5, -0.5, 1], star: [10, -0.5, 0.45], hexagon: [6, 0, 1] };

class SpaceMap {
  constructor(canvas, space, view) {
    Object.assign(this, { canvas, space, view });
    this.pen = canvas.getContext("2d");
    this.count = space.rows.length;
    this.reset();
  }

  reset() {
    Object.assign(this, { zoom: 1, shift: [0, 0], turn: [0.5, 0.35] });
  }

  /* Move to one layer of a sheet. sheet.places: [layer, language, sentence, dim], flattened. */
  show(sheet, layer, milliseconds) {
    const size = this.space.languages.length * this.count * sheet.dims;
    const target = sheet.places.subarray(layer * size, (layer + 1) * size);
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
      for (let i = 0; i < target.length; i++) this.now[i] = from[i] + (target[i] - from[i]) * eased;
      this.draw();
      if (part < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
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

  draw() {
    if (!this.sheet) return;
    this.fit();
    const { view, space, pen } = this, lit = view.sentence;
    const shown = [...space.languages.keys()].filter((l) => !view.hidden.has(space.languages[l]));
    for (let s = 0; s < this.count; s++) {
      pen.globalAlpha = (view.matches && !view.matches.has(s)) || (lit !== null && lit !== s) ? 0.16 : 0.85;
      for (const l of shown) this.mark(l, s, 3.2);
    }
    pen.globalAlpha = 1;
    if (lit !== null && shown.length) this.threads(lit, shown);
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

  /* Lines from the selected sentence to its translations, labelled with their languages. */
  threads(sentence, shown) {
    const { pen } = this, style = getComputedStyle(this.canvas);
    const centre = this.at(shown.includes(this.view.language) ? this.view.language : shown[0], sentence);
    Object.assign(pen, { strokeStyle: style.color, lineWidth: 1, font: "600 12px system-ui, sans-serif" });
    for (const l of shown) {
      pen.beginPath();
      pen.moveTo(...centre);
      pen.lineTo(...this.at(l, sentence));
      pen.stroke();
    }
    for (const l of shown) this.mark(l, sentence, 6);
    for (const l of shown) {
      const [x, y] = this.at(l, sentence);
      Object.assign(pen, { strokeStyle: style.backgroundColor, fillStyle: style.color, lineWidth: 3 });
      pen.strokeText(this.space.languages[l], x + 8, y - 6);
      pen.fillText(this.space.languages[l], x + 8, y - 6);
    }
  }

  /* The point nearest to a position on the canvas, as [language, sentence]; null if none is close enough. */
  nearest(x, y, within = 14) {
    let best = null, least = within * within;
    for (let l = 0; l < this.space.languages.length; l++) {
      if (this.view.hidden.has(this.space.languages[l])) continue;
      for (let s = 0; s < this.count; s++) {
        if (this.view.matches && !this.view.matches.has(s)) continue;
        const [px, py] = this.at(l, s), far = (px - x) ** 2 + (py - y) ** 2;
        if (far < least) [least, best] = [far, [l, s]];
      }
    }
    return best;
  }

  /* A score of one sentence at the current layer: "cosine" or "margin". */
  score(kind, language, sentence) {
    return this.sheet[kind][(this.layer * this.space.languages.length + language) * this.count + sentence] / 1e4;
  }
}
