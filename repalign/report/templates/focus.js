"use strict";
/* One language stands out in every figure and the others fade: the one pointed at, or else the one that is chosen. */
function languageFocus(tools) {
  const { data } = tools;
  const named = new Map(data.languages.map((language) => [language.code, language]));
  const codes = new Map(data.languages.map(({ label, code }) => [label, code])); // by the name that Plotly has of it
  let pointed = "";
  const current = () => pointed || tools.state.lang;
  const languageOf = (trace) => codes.get(trace?.meta?.language) ?? "";
  const rowsOf = (trace) => (trace?.meta?.languages ?? []).map((label) => codes.get(label));
  const choose = (code) => tools.set({ lang: code === tools.state.lang ? "" : code });

  function fade(element) {
    if (!element._fullData) return;
    fadeOthers(element, current(), languageOf);
    frame(element, current());
  }
  /* In a grid, a frame around the language's row. */
  function frame(element, language) {
    const row = rowsOf(element._fullData[0]).indexOf(language);
    const mark = element.querySelector(".row-frame") ?? element.appendChild(tools.make("div", { className: "row-frame" }));
    const { yaxis, _size: size } = element._fullLayout;
    mark.hidden = row < 0;
    if (row < 0) return;
    const top = yaxis.l2p(row - 0.5);
    Object.assign(mark.style, { left: `${size.l}px`, width: `${size.w}px`, top: `${size.t + top}px`, height: `${yaxis.l2p(row + 0.5) - top}px` });
  }
  function fadeAll() {
    for (const id of tools.seen) fade(tools.$(id));
    for (const one of document.querySelectorAll("[data-language]")) one.classList.toggle("chosen", one.dataset.language === tools.state.lang);
  }
  function point(code) {
    if (code === pointed) return;
    pointed = code;
    fadeAll();
  }
  function follow(element) {
    element.on("plotly_hover", ({ points: [at], event }) => {
      if (event) point(languageOf(at.fullData) || (rowsOf(at.fullData)[at.pointNumber[0]] ?? ""));
    });
    element.on("plotly_unhover", ({ event }) => { if (event) point(""); });
    element.on("plotly_legendclick", ({ fullData, curveNumber }) => {
      const code = languageOf(fullData[curveNumber]);
      if (code) choose(code);
      return !code;
    });
    element.on("plotly_afterplot", () => fade(element));
    fade(element);
  }

  /* Names of languages in the findings, underlined in their colour. */
  const words = [...named.values()].filter(({ code, name }) => code !== data.pivot && name.length > 2).sort((a, b) => b.name.length - a.name.length);
  const escaped = words.map(({ name }) => name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const pattern = new RegExp(`(?<!\\p{L})(?:${escaped.join("|")})(?!\\p{L})`, "gu");
  function underline(root) {
    const texts = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (!walker.currentNode.parentElement.closest("a, button")) texts.push(walker.currentNode);
    for (const text of texts) for (const { 0: name, index } of [...text.data.matchAll(pattern)].reverse()) {
      const range = document.createRange(), { code, colour } = words.find((one) => one.name === name);
      range.setStart(text, index);
      range.setEnd(text, index + name.length);
      const mark = tools.make("span", { className: "language" });
      mark.dataset.language = code;
      mark.style.setProperty("--own", colour);
      range.surroundContents(mark);
    }
  }
  if (words.length) document.querySelectorAll(".headline, .answers").forEach(underline);

  addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType === "touch") return; // it would stay pointed at
    const item = target.closest?.(".legend .traces, [data-language]");
    if (item || !target.closest?.(".nsewdrag")) point(item ? item.dataset.language ?? languageOf(traceOf(item)) : "");
  });
  addEventListener("click", ({ target }) => {
    const item = target.closest?.("[data-language]");
    if (item) choose(item.dataset.language);
  });
  addEventListener("keydown", ({ key }) => { if (key === "Escape" && tools.state.lang) tools.set({ lang: "" }); });
  return { follow, fadeAll };
}
