"use strict";
/* Where the points of a map lie densest: each language's points, blurred, as a shade of its colour. */
const shadeDensity = (() => {
  const CELL = 5, RADIUS = 3, PASSES = 3, DARKEST = 150; // pixels, cells, box blurs (three come near a Gaussian), alpha of 255
  const sheet = document.createElement("canvas"), pen = sheet.getContext("2d");
  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

  /* One box blur along rows; it also exchanges rows and columns, so that two of them blur both ways. */
  function blur(from, to, wide, high) {
    for (let y = 0; y < high; y++) {
      let sum = 0;
      for (let x = -RADIUS; x < wide; x++) {
        if (x + RADIUS < wide) sum += from[y * wide + x + RADIUS];
        if (x - RADIUS > 0) sum -= from[y * wide + x - RADIUS - 1];
        if (x >= 0) to[x * high + y] = sum;
      }
    }
  }

  return function shade(map, shown) {
    const wide = Math.max(1, Math.ceil(map.width / CELL)), high = Math.max(1, Math.ceil(map.height / CELL)), size = wide * high;
    let cells = new Float32Array(size), other = new Float32Array(size);
    const colour = new Float32Array(size * 3), total = new Float32Array(size);
    for (const l of shown) {
      cells.fill(0);
      for (let s = 0; s < map.count; s++) {
        if (map.faded(l, s)) continue;
        const [x, y] = map.at(l, s).map((part) => Math.floor(part / CELL));
        if (x >= 0 && y >= 0 && x < wide && y < high) cells[y * wide + x] += 1;
      }
      for (let pass = 0; pass < PASSES; pass++) {
        blur(cells, other, wide, high);
        blur(other, cells, high, wide);
      }
      const own = rgb(map.space.styles[l].colour);
      for (let i = 0; i < size; i++) {
        total[i] += cells[i];
        for (let c = 0; c < 3; c++) colour[3 * i + c] += cells[i] * own[c];
      }
    }
    const most = total.reduce((a, b) => Math.max(a, b), 0) || 1, image = new ImageData(wide, high);
    for (let i = 0; i < size; i++) {
      if (!total[i]) continue;
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = colour[3 * i + c] / total[i];
      image.data[4 * i + 3] = DARKEST * Math.sqrt(total[i] / most);
    }
    Object.assign(sheet, { width: wide, height: high });
    pen.putImageData(image, 0, 0);
    map.pen.imageSmoothingEnabled = true;
    map.pen.drawImage(sheet, 0, 0, wide * CELL, high * CELL);
  };
})();
