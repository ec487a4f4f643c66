"use strict";
/* One checkpoint's map of the semantic space, on a canvas: what is drawn follows `view`, which the page owns. */

class SpaceMap {
  constructor(canvas, space, languages) {
    Object.assign(this, { canvas, space, languages, turn: [0.5, 0.35] });
    this.pen = canvas.getContext("2d");
    this.count = space.rows.length;
  }

  /* Places of one layer: an array [language, sentence, dim] that starts at `offset` of sheet.places. */
  show(sheet, layer, view) {
    const size = this.space.languages.length * this.count * sheet.dims;
    const target = sheet.places.subarray(layer * size, (layer + 1) * size);
    const from = this.target && this.sheet.dims === sheet.dims ? this.now.slice() : target;
    Object.assign(this, { sheet, layer, view, target, now: Float32Array.from(from) });
    this.limits();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (from === target || still) { this.now.set(target); this.draw(); return; }
    const begin = performance.now();
    this.run = begin;
    const step = (time) => {
      if (this.run !== begin) return;
      const part = Math.min(1, (time - begin) / 260), eased = part * part * (3 - 2 * part);
      for (let i = 0; i < target.length; i++) this.now[i] = from[i] + (target[i] - from[i]) * eased;
      this.draw();
      if (part < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /* One scale for all layers, so that only points move. */
  limits() {
    if (this.scaled === this.sheet) return;
    this.scaled = this.sheet;
    const sizes = Float32Array.from(this.sheet.places, Math.abs).sort();
    this.reach = (sizes[Math.floor(sizes.length * 0.998)] || 1) * 1.08;
  }

  /* Where a point lies on the canvas, in CSS pixels. */
  at(language, sentence) {
    const d = this.sheet.dims, i = (language * this.count + sentence) * d;
    let x = this.now[i], y = this.now[i + 1];
    if (d === 3) {
      const z = this.now[i + 2], [a, b] = this.turn;
      [x, y] = [x * Math.cos(a) + z * Math.sin(a),
        y * Math.cos(b) - (z * Math.cos(a) - x * Math.sin(a)) * Math.sin(b)];
    }
    const { clientWidth: w, clientHeight: h } = this.canvas, unit = Math.min(w, h) / 2 / this.reach;
    return [w / 2 + x * unit, h / 2 - y * unit];
  }

  draw() {
    const { canvas, pen, view } = this, ratio = devicePixelRatio || 1;
    const { clientWidth: w, clientHeight: h } = canvas;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    const lit = view.sentence;
    for (let l = 0; l < this.space.languages.length; l++) {
      if (view.hidden.has(this.space.languages[l])) continue;
      for (let s = 0; s < this.count; s++) {
        const dim = (view.matches && !view.matches.has(s)) || (lit !== null && lit !== s);
        pen.globalAlpha = dim ? 0.18 : 0.85;
        this.mark(l, s, view.colourOf(this, l, s), lit === s ? 6 : 3.2);
      }
    }
    pen.globalAlpha = 1;
    if (lit !== null) this.threads(lit);
  }

  mark(language, sentence, colour, size) {
    const [x, y] = this.at(language, sentence), { pen } = this;
    pen.fillStyle = colour;
    pen.beginPath();
    const shape = this.languages[language].symbol;
    if (shape === "square") pen.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
    else if (shape === "circle") pen.arc(x, y, size, 0, 2 * Math.PI);
    else {
      const corners = { diamond: [4, 0], "triangle-up": [3, -0.5], "triangle-down": [3, 0.5], pentagon: [5, -0.5], star: [4, 0.5], hexagon: [6, 0] }[shape];
      for (let c = 0; c < corners[0]; c++) {
        const angle = (2 * Math.PI * c) / corners[0] + corners[1] * Math.PI;
        pen.lineTo(x + 1.25 * size * Math.cos(angle), y + 1.25 * size * Math.sin(angle));
      }
      pen.closePath();
    }
    pen.fill();
  }

  threads(sentence) {
    const shown = this.space.languages.map((code, l) => [code, l]).filter(([code]) => !this.view.hidden.has(code));
    const centre = this.at(this.view.language ?? shown[0]?.[1] ?? 0, sentence);
    this.pen.strokeStyle = getComputedStyle(this.canvas).color;
    this.pen.lineWidth = 1;
    this.pen.fillStyle = this.pen.strokeStyle;
    this.pen.font = "600 12px system-ui, sans-serif";
    for (const [code, l] of shown) {
      const [x, y] = this.at(l, sentence);
      this.pen.beginPath(); this.pen.moveTo(...centre); this.pen.lineTo(x, y); this.pen.stroke();
      this.pen.fillText(code, x + 8, y - 6);
    }
  }

  /* The nearest point within reach of a place on the canvas: [language, sentence] or null. */
  nearest(x, y, within = 14) {
    let best = null, least = within * within;
    for (let l = 0; l < this.space.languages.length; l++) {
      if (this.view.hidden.has(this.space.languages[l])) continue;
      for (let s = 0; s < this.count; s++) {
        if (this.view.matches && !this.view.matches.has(s)) continue;
        const [px, py] = this.at(l, s), far = (px - x) ** 2 + (py - y) ** 2;
        if (far < least) { least = far; best = [l, s]; }
      }
    }
    return best;
  }
}
