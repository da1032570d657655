// The text of a row: where its words stand, which of them the engine was not sure of, and what became of it.
import { byId, config, say, slot } from "./dom.js";

const settings = config("session-config");
const lines = byId("lines");
const KEPT = "unsure-words";

export const rowsNow = () => [...lines.querySelectorAll(":scope > .line")];
export const indexOf = (row) => Number(row.id.slice(4));
export const textOf = (row) => slot(row, "text").textContent;

/** The row that is meant without a pointer: sought or played if it is in view, else the first one in view. */
export function meant() {
  const top = document.querySelector(".session-head").getBoundingClientRect().bottom;
  const seen = rowsNow().filter((row) => {
    const box = row.getBoundingClientRect();
    return box.bottom > top && box.top < innerHeight;
  });
  return seen.find((row) => row.matches(".playing, .sought")) ?? seen[0];
}

/** A range over characters `from` to `to` of a row's text, whatever elements it is made of; null when there are none. */
export function rangeIn(row, from, to) {
  const range = new Range();
  const walker = document.createTreeWalker(slot(row, "text"), NodeFilter.SHOW_TEXT);
  let at = 0;
  let begun = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const end = at + node.length;
    if (!begun && from < end) {
      range.setStart(node, from - at);
      begun = true;
    }
    if (begun && to <= end) {
      range.setEnd(node, to - at);
      return range;
    }
    at = end;
  }
  return null;
}

/** Where each word stands in the row's text: found once for each text. */
export function wordsOf(row) {
  if (row.knownWords) return row.knownWords;
  const text = textOf(row);
  let from = 0;
  row.knownWords = JSON.parse(row.dataset.words || "[]").flatMap(([word, start, end, sure]) => {
    const at = text.indexOf(word, from);
    if (at < 0) return [];
    from = at + word.length;
    return [{ at, to: from, start, end, sure }];
  });
  return row.knownWords;
}

export const marksUnsure = () => localStorage.getItem(KEPT) !== "off";

function unsureWord(text, sure) {
  const word = document.createElement("span");
  word.className = "unsure";
  word.textContent = text;
  word.title = say("sure", Math.round(sure * 100));
  return word;
}

/** The text anew, with the words marked of which the engine was not sure. */
export function writeText(row, text = textOf(row)) {
  const place = slot(row, "text");
  // A text that stands is left alone: what is marked in it stays marked.
  if (place.childElementCount || place.textContent !== text) place.textContent = text;
  row.knownWords = null;
  if (!marksUnsure()) return;
  const doubtful = wordsOf(row).filter(({ sure }) => typeof sure === "number" && sure < settings.unsure);
  if (!doubtful.length) return;
  const parts = [];
  let from = 0;
  for (const { at, to, sure } of doubtful) {
    parts.push(text.slice(from, at), unsureWord(text.slice(at, to), sure));
    from = to;
  }
  place.replaceChildren(...parts, text.slice(from));
}

/** Switch the marks of unsure words on or off, for this browser. */
export function showUnsure(yes) {
  localStorage.setItem(KEPT, yes ? "on" : "off");
  for (const row of rowsNow()) if (row.marked) writeText(row);
}

/** Where a row says what became of it; put in when the row came without. */
export function marksOf(row) {
  const whole = byId("line-template").content.firstElementChild;
  if (!slot(row, "marks")) row.querySelector(".said").append(slot(whole, "marks").cloneNode(true));
  return slot(row, "marks");
}

/** What became of a row beside its text. */
export function setMarks(row, { version, checked }) {
  if (version !== undefined) row.dataset.version = version;
  if (checked !== undefined) row.dataset.checked = checked ? "1" : "";
  if (!slot(row, "marks") && !Number(row.dataset.version ?? 0) && !row.dataset.checked) return;
  const marks = marksOf(row);
  slot(marks, "edited").hidden = !Number(row.dataset.version);
  slot(marks, "checked").hidden = !row.dataset.checked;
}
