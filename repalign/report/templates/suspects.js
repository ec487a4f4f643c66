"use strict";
/* Suspects are judged by a click or a key. Judgements are kept in the browser, under a name that no other results have. */
(() => {
  const { suspects, judged_as: name } = pageData;
  const key = `repalign suspects ${name}`;
  const list = document.querySelector(".suspects"), items = [...list.children];
  const choosers = Object.fromEntries(["language", "kind", "judged"].map((id) => [id, document.getElementById(id)]));
  const keys = { w: "wrong", r: "right", u: "unsure" };
  const idOf = ({ language, row }) => `${language} ${row}`;
  let judgements = {};
  try {
    const read = JSON.parse(localStorage.getItem(key) ?? "{}");
    if (read && typeof read === "object" && !Array.isArray(read)) judgements = read;
  } catch { /* a browser that keeps nothing, or text of another program: judged anew */ }
  const judgementOf = (place) => {
    const id = idOf(suspects[place]);
    return Object.hasOwn(judgements, id) && Object.values(keys).includes(judgements[id]) ? judgements[id] : "";
  };

  function keep() {
    try {
      localStorage.setItem(key, JSON.stringify(judgements));
    } catch { /* they can still be saved as a file */ }
  }
  /* Wilson's interval, as everywhere. */
  function interval(share, count) {
    const z = 1.959964, middle = (share + z * z / (2 * count)) / (1 + z * z / count);
    const half = z / (1 + z * z / count) * Math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2);
    return [middle - half, middle + half].map((end) => `${Math.round(100 * Math.min(1, Math.max(0, end)))}`);
  }
  function show() {
    const every = suspects.map((_, place) => judgementOf(place));
    items.forEach((item, place) => {
      const { language, kind } = suspects[place], judged = every[place];
      const fits = (chooser, value) => !choosers[chooser].value || choosers[chooser].value === value;
      item.hidden = !(fits("language", language) && fits("kind", kind) && fits("judged", judged || "not yet"));
      for (const button of item.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.value === judged));
    });
    document.getElementById("none").hidden = items.some((item) => !item.hidden);
    const wrong = every.filter((one) => one === "wrong").length, decided = wrong + every.filter((one) => one === "right").length;
    const judged = every.filter(Boolean).length;
    const share = decided ? `${wrong} of ${decided} decided are faults: ${Math.round(100 * wrong / decided)}% (95%: ${interval(wrong / decided, decided).join(" to ")}%)` : "none decided yet";
    document.getElementById("precision").textContent = `${judged} of ${suspects.length} judged; ${share}`;
  }
  function judge(place, judgement) {
    const id = idOf(suspects[place]);
    if (judgementOf(place) === judgement) delete judgements[id];
    else judgements[id] = judgement;
    keep();
    show();
  }
  const visible = () => items.filter((item) => !item.hidden);
  const current = () => document.activeElement?.closest(".suspects > li") ?? null;
  function move(item, step) {
    const next = items.slice(items.indexOf(item) + (step > 0 ? 1 : 0)).find((one) => !one.hidden);
    const before = items.slice(0, Math.max(0, items.indexOf(item))).reverse().find((one) => !one.hidden);
    (step > 0 ? next ?? (item ? null : visible()[0]) : before)?.focus();
  }

  list.addEventListener("click", ({ target }) => {
    const button = target.closest(".judge button");
    if (button) judge(Number(button.closest("li").dataset.place), button.value);
  });
  addEventListener("keydown", (event) => {
    const pressed = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input, textarea")) return;
    const item = current();
    if (pressed === "j" || pressed === "k") move(item, pressed === "j" ? 1 : -1);
    else if (item && Object.hasOwn(keys, pressed)) {
      judge(Number(item.dataset.place), keys[pressed]);
      move(item, 1);
    }
  });
  for (const chooser of Object.values(choosers)) chooser.addEventListener("change", show);
  document.getElementById("save").addEventListener("click", () => {
    const cell = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
    const rows = suspects.map((one, place) => [place + 1, one.language, one.row, one.kind, one.score, judgementOf(place)]);
    const text = [["rank", "language", "row", "kind", "score", "judgement"], ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
    const url = URL.createObjectURL(new Blob([`${text}\r\n`], { type: "text/csv;charset=utf-8" }));
    Object.assign(document.createElement("a"), { href: url, download: "suspects-judged.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
  show();
})();
