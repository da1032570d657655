// Find in the page: the server knows all rows, those in the page are marked, and the reader is left where it leads.
import { announce, byId, reader, say, slot } from "./dom.js";
import { bind } from "./keys.js";
import { bring, rowOf } from "./paging.js";
import { indexOf, rangeIn, textOf } from "./passage.js";

const WAIT_MS = 150;
const bar = byId("find");
const input = bar.querySelector("input");
const lines = byId("lines");
const number = new Intl.NumberFormat(reader);
const canMark = window.Highlight && CSS.highlights;
const marks = canMark ? { found: new Highlight(), here: new Highlight() } : null;
let hits = [];
let starts = [];
let at = -1;
let timer = 0;
let asked = 0;
let going = 0;
let leave = () => {};

if (marks) for (const [name, mark] of Object.entries(marks)) CSS.highlights.set(name, mark);

const query = () => input.value.trim().toLocaleLowerCase(reader);

function markRow(row, into) {
  const written = textOf(row);
  const [text, wanted] = [written.toLocaleLowerCase(reader), query()];
  // Letters whose lower case is longer would move the marks; such a row is found and goes unmarked.
  if (!wanted || text.length !== written.length) return;
  for (let from = text.indexOf(wanted); from >= 0; from = text.indexOf(wanted, from + wanted.length)) {
    const range = rangeIn(row, from, from + wanted.length);
    if (range) into.add(range);
  }
}

function mark() {
  if (!marks) return;
  marks.found.clear();
  marks.here.clear();
  const current = byId(`seg-${hits[at]}`);
  for (const row of lines.querySelectorAll(".line")) markRow(row, row === current ? marks.here : marks.found);
}

function show() {
  const text = query() ? (hits.length ? say("hit", number.format(at + 1)).replace("%n", number.format(hits.length)) : say("noHit")) : "";
  slot(bar, "count").textContent = text;
  for (const button of bar.querySelectorAll("[data-step]")) button.disabled = !hits.length;
  mark();
  return text;
}

async function go(to) {
  if (!hits.length) return;
  at = (to + hits.length) % hits.length;
  leave();
  const mine = ++going;
  const row = await rowOf(hits[at]);
  // Closed meanwhile, or gone on.
  if (mine !== going || bar.hidden) return;
  announce(show());
  bring(row);
}

async function search() {
  const [mine, wanted] = [++asked, query()];
  const address = `${bar.action}?${new URLSearchParams({ q: input.value.trim() })}`;
  const answer = wanted ? await fetch(address).catch(() => null) : null;
  if (mine !== asked) return;
  ({ hits, starts } = answer?.ok ? await answer.json() : { hits: [], starts: [] });
  at = -1;
  // From what is in view, as every find does.
  const top = document.querySelector(".session-head").getBoundingClientRect().bottom;
  const seen = [...lines.querySelectorAll(".line")].find((row) => row.getBoundingClientRect().bottom > top);
  const from = Number(seen?.dataset.start ?? 0);
  show();
  await go(Math.max(starts.findIndex((start) => start >= from), 0));
}

function open() {
  bar.hidden = false;
  input.select();
  input.focus();
  if (query()) search();
}

function close() {
  bar.hidden = true;
  clearTimeout(timer);
  asked += 1;
  hits = [];
  starts = [];
  at = -1;
  marks?.found.clear();
  marks?.here.clear();
  byId("open-find").focus();
}

/** A new row may hold it as well. */
export function grown(row) {
  if (bar.hidden || !query() || !textOf(row).toLocaleLowerCase(reader).includes(query())) return;
  if (hits.includes(indexOf(row))) return;
  hits.push(indexOf(row));
  starts.push(Number(row.dataset.start));
  show();
}

/** `follow.leave` of the page: who searches reads. */
export function start(leaveFollowing) {
  leave = leaveFollowing;
  byId("open-find").addEventListener("click", open);
  bind({ f: open });
}

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, WAIT_MS);
});
bar.addEventListener("keydown", (event) => event.key === "Escape" && close());
bar.addEventListener("submit", (event) => {
  event.preventDefault();
  go(at + (event.submitter?.dataset.step === "-1" ? -1 : 1));
});
input.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  go(at + (event.shiftKey ? -1 : 1));
});
bar.querySelector("[data-close]").addEventListener("click", close);
for (const name of ["grown", "dressed"]) byId("session").addEventListener(name, () => !bar.hidden && mark());
