"use strict";
/* The same allocation as repalign.scaling.allocate, solved by bisection: maximise the mean, or the worst, of
   c_L - a_L X_L^-b_L under sum X_L = budget and X_L <= available_L (null: no limit). */
function waterfill({ a, b, available, budget, objective }) {
  const caps = available.map((count) => count ?? Infinity);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const wanted = a.map((value) => value > 0);
  const rest = wanted.map((on, i) => (on ? 0 : caps[i]));
  const room = sum(caps.filter((_, i) => wanted[i]));
  if (budget >= room) {
    const shared = even(rest, Math.min(budget - room, sum(rest)));
    return caps.map((cap, i) => (wanted[i] ? cap : shared[i]));
  }
  const worst = objective === "min";
  const height = a.map((value, i) => Math.log(worst ? value : value * b[i]));
  const steep = b.map((value) => (worst ? value : value + 1));
  const at = (slope) => a.map((_, i) => (wanted[i] ? Math.min(caps[i], Math.exp((height[i] - slope) / steep[i])) : 0));
  return between(at, -700, 700, budget);
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
