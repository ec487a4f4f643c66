"use strict";
/* Figures and tables to take away: PNG and SVG; CSV, Markdown and LaTeX; texts to copy. Not printed. */
(() => {
  const MARKDOWN = { "\\": "\\\\", "|": "\\|", "<": "&lt;", ">": "&gt;", "&": "&amp;", "*": "\\*", "_": "\\_", "`": "\\`", "[": "\\[", "]": "\\]" };
  const LATEX = {
    "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", _: "\\_", "{": "\\{", "}": "\\}", "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "–": "--", "→": "$\\to$", "≥": "$\\geq$", "×": "$\\times$", "−": "$-$",
  };
  const escaped = (text, table) => [...text].map((letter) => table[letter] ?? letter).join("");
  const tidy = (text) => text.replace(/\s+/g, " ").trim();
  const asPlotted = (text) => text.replace(/[&<>$]/g, (letter) => `&#${letter.codePointAt(0)};`); // Plotly reads HTML and MathJax
  const slug = (...parts) => parts.map(tidy).join(" ").replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^[-.]+|-+$/g, "").slice(0, 100) || "repalign";
  const pageTitle = document.querySelector("h1").textContent;

  function save(name, url) {
    const link = Object.assign(document.createElement("a"), { href: url, download: name });
    link.click();
    if (url.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
  const saveText = (name, text, type) => save(name, URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` })));
  /* Where the clipboard is not available, the text is saved. */
  async function copy(button, text, name) {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      saveText(name, text, "text/plain");
      button.textContent = "Saved";
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  }
  function tools(label, buttons) {
    const group = Object.assign(document.createElement("span"), { className: "take", role: "group", ariaLabel: label });
    group.append(...Object.entries(buttons).map(([text, [does, click]]) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: text, title: does, ariaLabel: `${does}: ${label}` });
      button.addEventListener("click", () => click(button));
      return button;
    }));
    return group;
  }

  /* ---- figures ---- */
  const caption = (plot) => tidy(plot.closest("figure")?.querySelector("figcaption > bdi")?.textContent ?? plot.getAttribute("aria-label"));
  /* The choices that a figure shows, in the words of their choosers. */
  const shown = (plot) => Object.entries(JSON.parse(plot.dataset.choice ?? "{}")).map(([key, value]) =>
    [...(document.getElementById(key)?.options ?? [])].find((option) => option.value === String(value))?.textContent ?? `${key} ${value}`);
  async function image(plot, format) {
    const about = [...new Set([pageTitle, caption(plot), ...shown(plot)])];
    const { width, height } = plot._fullLayout, top = plot._fullLayout.margin.t;
    const title = { text: asPlotted(about.join(" · ")), font: { size: 15 }, x: 0, xref: "paper", xanchor: "left", y: 1, yref: "container", yanchor: "top", pad: { t: 12 } };
    const layout = { ...structuredClone(plot.layout), title, width, height: height + 30, margin: { ...plot._fullLayout.margin, t: top + 30 } };
    Object.assign(layout, { template: pageData.themes.light, paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff" });
    const figure = { data: structuredClone(plot.data), layout, config: pageData.config };
    save(`${slug(...about, plot.id)}.${format}`, await Plotly.toImage(figure, { format, width, height: height + 30, scale: format === "png" ? 3 : 1 }));
  }
  for (const plot of document.querySelectorAll(".plot")) {
    const group = tools(caption(plot), { PNG: ["Save as PNG", () => image(plot, "png")], SVG: ["Save as SVG", () => image(plot, "svg")] });
    const heading = plot.closest("figure")?.querySelector("figcaption");
    if (heading) heading.append(group);
    else plot.after(group);
  }

  /* ---- tables ---- */
  const cells = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => tidy(cell.textContent)));
  const csv = (rows) => rows.map((row) => row.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",")).join("\r\n") + "\r\n";
  const line = (texts) => `| ${texts.join(" | ")} |`;
  const markdown = ([head, ...body]) => [head, head.map(() => "---"), ...body].map((row, place) => line(place === 1 ? row : row.map((text) => escaped(text, MARKDOWN)))).join("\n") + "\n";
  function latex([head, ...body]) {
    const row = (texts) => `${texts.map((text) => escaped(text, LATEX)).join(" & ")} \\\\`;
    return ["% \\usepackage{booktabs}", `\\begin{tabular}{${"l".repeat(head.length)}}`, "\\toprule", row(head), "\\midrule", ...body.map(row), "\\bottomrule", "\\end{tabular}", ""].join("\n");
  }
  for (const table of document.querySelectorAll("main table")) {
    if (!table.tHead || table.closest("#card")) continue;
    const around = table.closest(".scroll") ?? table;
    const label = around.getAttribute("aria-label") ?? tidy(table.closest("section")?.querySelector("h2")?.textContent ?? "table");
    const name = slug(pageTitle, label);
    around.after(tools(label, {
      CSV: ["Save as CSV", () => saveText(`${name}.csv`, csv(cells(table)), "text/csv")],
      Markdown: ["Copy as Markdown", (button) => copy(button, markdown(cells(table)), `${name}.md`)],
      LaTeX: ["Copy as LaTeX", (button) => copy(button, latex(cells(table)), `${name}.tex`)],
    }));
  }

  /* ---- texts ---- */
  for (const text of document.querySelectorAll("[data-copy]")) {
    text.previousElementSibling.append(tools(text.dataset.copy, { Copy: ["Copy", (button) => copy(button, text.textContent.trim() + "\n", `${slug(pageTitle, text.dataset.copy)}.txt`)] }));
  }
})();
