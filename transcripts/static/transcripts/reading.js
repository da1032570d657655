// How a reader wants the text: short passages of one voice as paragraphs, new text spoken by a screen reader. Kept by the
// browser. Only what is seen changes: rows, their anchors and their order stay.
import { byId } from "./dom.js";
import { textOf } from "./passage.js";

const PAUSE_MS = 2500;
const CHARACTERS = 500;
const SPOKEN = 5;
const page = byId("session");
const lines = byId("lines");
const aloud = byId("aloud");
const toggles = { paragraphs: byId("paragraphs-toggle"), aloud: byId("aloud-toggle") };

// --- Paragraphs ----------------------------------------------------------------------------------------------------

/** A row goes on with the paragraph of the row `before`, which has `length` characters so far. */
function goesOn(row, before, length) {
  if (!before?.matches(".line") || length > CHARACTERS) return false;
  const [mine, its] = [row.dataset, before.dataset];
  return (mine.speaker ?? "") === (its.speaker ?? "") && Number(mine.start) - Number(its.end) <= PAUSE_MS;
}

function lay() {
  lines.classList.toggle("paragraphs", toggles.paragraphs.checked);
  if (!toggles.paragraphs.checked) return;
  let length = 0;
  for (const row of lines.children) {
    if (!row.matches(".line")) continue;
    const isOn = goesOn(row, row.previousElementSibling, length);
    row.classList.toggle("begins", !isOn);
    length = (isOn ? length : 0) + textOf(row).length;
  }
}

/** Change how rows lie, and keep the one that is read where it stands. */
function change() {
  const top = page.querySelector(".session-head").getBoundingClientRect().bottom;
  const row = [...lines.children].find((each) => each.getBoundingClientRect().bottom > top);
  const before = row?.getBoundingClientRect().top;
  lay();
  if (row) scrollBy({ top: row.getBoundingClientRect().top - before, behavior: "instant" });
}

for (const name of ["grown", "revised"]) page.addEventListener(name, () => toggles.paragraphs.checked && lay());

// --- New text aloud ------------------------------------------------------------------------------------------------

page.addEventListener("spoken", ({ detail: row }) => {
  if (!toggles.aloud.checked) return;
  const sentence = document.createElement("p");
  const voice = row.querySelector(".speaker bdi")?.textContent;
  sentence.textContent = [voice, textOf(row)].filter(Boolean).join(": ");
  sentence.lang = row.querySelector(".said").lang;
  aloud.append(sentence);
  while (aloud.children.length > SPOKEN) aloud.firstElementChild.remove();
});

for (const [name, toggle] of Object.entries(toggles)) {
  toggle.checked = localStorage.getItem(name) === "on";
  toggle.addEventListener("change", () => {
    localStorage.setItem(name, toggle.checked ? "on" : "off");
    if (toggle === toggles.paragraphs) change();
    else aloud.replaceChildren();
  });
}
if (toggles.paragraphs.checked) change();
