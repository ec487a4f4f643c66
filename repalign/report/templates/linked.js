"use strict";
/* One name highlighted: pointing at a mark, a line or an entry of a legend fades the others in every figure that has it.
   Bands of intervals are pale until theirs is the name. */
function link(plot) {
  const traceOf = (part) => [part.__data__].flat(2)[0]?.trace;
  function highlightIn(figure, group) {
    const here = figure._fullData?.some(({ legendgroup }) => legendgroup === group);
    for (const part of figure.querySelectorAll(":is(.scatterlayer .trace, .barlayer .trace, .legend .traces)")) {
      const trace = traceOf(part), own = trace?.legendgroup;
      part.classList.toggle("faded", Boolean(group && here && own && own !== group));
      part.classList.toggle("band", Boolean(trace?.fill === "toself" && own && own !== group));
    }
  }
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
