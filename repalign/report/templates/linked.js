"use strict";
/* One name highlighted: pointing at a mark, a line or an entry of a legend fades the others in every figure that has it. */
function link(plot) {
  const highlightIn = (figure, group) => fadeOthers(figure, group, ({ legendgroup }) => legendgroup);
  const highlight = (group) => document.querySelectorAll(".plot").forEach((figure) => highlightIn(figure, group));
  plot.on("plotly_afterplot", () => highlightIn(plot, null));
  plot.on("plotly_hover", ({ points: [point] }) => highlight(point.fullData.legendgroup));
  plot.on("plotly_unhover", () => highlight(null));
  plot.addEventListener("pointerover", ({ target }) => {
    const entry = target.closest(".legend .traces");
    if (entry) highlight(traceOf(entry)?.legendgroup);
  });
  plot.addEventListener("pointerout", ({ target }) => { if (target.closest(".legend .traces")) highlight(null); });
  highlightIn(plot, null);
}
