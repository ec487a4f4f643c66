"use strict";
/* The table of an index is sorted by the column whose heading is clicked, and in the other direction at the next click. */
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells], [body] = table.tBodies;
  const collator = new Intl.Collator("en", { numeric: true });
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const up = heading.getAttribute("aria-sort") !== "ascending";
    for (const one of headings) one.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const text = (row) => row.cells[column].textContent;
    const rows = [...body.rows].sort((a, b) => collator.compare(text(a), text(b)) * (up ? 1 : -1));
    body.append(...rows);
  }));
}
