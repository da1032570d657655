// Plays the recording: a time in the text seeks, the spoken word is marked. No span a word: the highlight is a range.
import { byId, clock, say, setIcon, slot } from "./dom.js";

const page = byId("session");
const root = byId("player");
const audio = root.querySelector("audio");
const bar = root.querySelector(".player-bar");
const play = root.querySelector("[data-play]");
const seek = root.querySelector("[data-seek]");
const lines = byId("lines");
const mark = window.Highlight && CSS.highlights ? new Highlight() : null;
let rows = [];
let current = null;

audio.removeAttribute("controls");
audio.hidden = true;
bar.hidden = false;
if (mark) CSS.highlights.set("spoken", mark);

const readRows = () => (rows = [...lines.querySelectorAll(".line")]);

/** The last row that begins at or before `ms`. */
function rowAt(ms) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(rows[middle].dataset.start) <= ms) low = middle + 1;
    else high = middle;
  }
  return rows[low - 1] ?? null;
}

/** Where each word stands in the row's text: found once, when the row is first played. */
function wordsOf(row) {
  if (row.spokenWords) return row.spokenWords;
  const text = slot(row, "text").textContent;
  let from = 0;
  row.spokenWords = JSON.parse(row.dataset.words || "[]").flatMap(([word, start, end]) => {
    const at = text.indexOf(word, from);
    if (at < 0) return [];
    from = at + word.length;
    return [{ at, to: from, start, end }];
  });
  return row.spokenWords;
}

function showPosition() {
  const ms = audio.currentTime * 1000;
  const row = rowAt(ms);
  if (row !== current) {
    current?.classList.remove("playing");
    row?.classList.add("playing");
    current = row;
  }
  if (!mark) return;
  mark.clear();
  const word = row && wordsOf(row).find(({ start, end }) => start <= ms && ms < end);
  if (!word) return;
  const range = new Range();
  const node = slot(row, "text").firstChild;
  range.setStart(node, word.at);
  range.setEnd(node, word.to);
  mark.add(range);
}

function showTime() {
  slot(bar, "now").textContent = clock(audio.currentTime * 1000);
  if (document.activeElement !== seek || audio.paused) seek.value = audio.currentTime;
  seek.setAttribute("aria-valuetext", clock(audio.currentTime * 1000));
}

function frame() {
  showPosition();
  if (!audio.paused) requestAnimationFrame(frame);
}

function showPlaying() {
  setIcon(play, audio.paused ? "play" : "pause");
  play.setAttribute("aria-label", say(audio.paused ? "play" : "pause"));
  if (!audio.paused) frame();
}

function seekTo(seconds) {
  audio.currentTime = seconds;
  showTime();
  showPosition();
}

const toggle = () => (audio.paused ? audio.play() : audio.pause());

audio.addEventListener("loadedmetadata", () => {
  if (!Number.isFinite(audio.duration)) return;
  seek.max = audio.duration;
  slot(bar, "length").textContent = clock(audio.duration * 1000);
});
for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, showPlaying);
audio.addEventListener("timeupdate", showTime);
audio.addEventListener("seeked", showPosition);
play.addEventListener("click", toggle);
seek.addEventListener("input", () => seekTo(Number(seek.value)));
bar.querySelector("[data-speed]").addEventListener("change", (event) => (audio.playbackRate = Number(event.target.value)));
page.addEventListener("grown", readRows);
document.body.addEventListener("htmx:afterSettle", readRows);
lines.addEventListener("click", (event) => {
  const time = event.target.closest("a.time");
  if (!time || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  seekTo(Number(time.closest(".line").dataset.start) / 1000);
  audio.play();
});
addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select, button, summary, a") || event.ctrlKey || event.metaKey) return;
  const keys = { " ": toggle, k: toggle, j: () => seekTo(audio.currentTime - 5), l: () => seekTo(audio.currentTime + 5) };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
readRows();
if (audio.readyState >= 1) audio.dispatchEvent(new Event("loadedmetadata"));
