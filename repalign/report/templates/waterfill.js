"use strict";
/* The same allocation as repalign.scaling.allocate, solved by bisection: maximise the mean, or the worst, of
   c_L - a_L / (X_L^b_L + k_L) under sum X_L = budget and X_L <= available_L (null: no limit). */
function waterfill({ a, b, c, k, available, budget, objective }) {
  const caps = available.map((count) => count ?? Infinity);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const wanted = a.map((value) => value > 0);
  const rest = wanted.map((on, i) => (on ? 0 : caps[i]));
  const room = sum(caps.filter((_, i) => wanted[i]));
  if (budget >= room) {
    const shared = even(rest, Math.min(budget - room, sum(rest)));
    return caps.map((cap, i) => (wanted[i] ? cap : shared[i]));
  }
  const top = Math.max(...c.filter((_, i) => wanted[i]));
  const atGap = (i, logGap) => {
    const gap = Math.exp(logGap) - (top - c[i]);
    return gap > 0 ? Math.max(a[i] / gap - k[i], 0) ** (1 / b[i]) : Infinity;
  };
  const pairs = objective === "min" ? atGap : (i, logSlope) => atSlope(a[i], b[i], k[i], logSlope);
  return between((common) => a.map((_, i) => (wanted[i] ? Math.min(caps[i], pairs(i, common)) : 0)), -700, 700, budget);
}
/* Pairs where the slope, a b X^(b-1) / (X^b + k)^2, has a logarithm; it falls with X. The power law's pairs are more. */
function atSlope(a, b, k, logSlope) {
  let high = (Math.log(a * b) - logSlope) / (b + 1), low = -50;
  if (k === 0) return Math.exp(high);
  const slope = (x) => Math.log(a * b) + (b - 1) * x - 2 * (Math.max(b * x, Math.log(k)) + Math.log1p(Math.exp(-Math.abs(b * x - Math.log(k)))));
  for (let step = 0; step < 100 && high > low; step++) {
    const middle = (low + high) / 2;
    if (slope(middle) > logSlope) low = middle;
    else high = middle;
  }
  return Math.exp(low);
}
function even(caps, budget) {
  if (budget <= 0) return caps.map(() => 0);
  if (!caps.some((cap) => cap === Infinity) && budget >= caps.reduce((x, y) => x + y, 0)) return caps;
  return between((slope) => caps.map((cap) => Math.min(cap, Math.exp(-slope))), -700, 700, budget);
}
function between(at, low, high, budget) {
  for (let step = 0; step < 200; step++) {
    const middle = (low + high) / 2;
    if (at(middle).reduce((x, y) => x + y, 0) > budget) low = middle;
    else high = middle;
  }
  return at(high);
}
