// Plays the recording: a time in the text seeks, the spoken word is marked. No span a word: the highlight is a range.
import { announce, byId, clock, say, setIcon, slot } from "./dom.js";
import { bind } from "./keys.js";
import { isDetached, isInView, loadLater } from "./paging.js";
import { rangeIn, wordsOf } from "./passage.js";

const page = byId("session");
const root = byId("player");
const audio = root.querySelector("audio");
const bar = root.querySelector(".player-bar");
const play = root.querySelector("[data-play]");
const seek = root.querySelector("[data-seek]");
const speed = bar.querySelector("[data-speed]");
const lines = byId("lines");
const mark = window.Highlight && CSS.highlights ? new Highlight() : null;
const REWIND_SECONDS = 1.5;
let rows = [];
let current = null;
let said = null;
let painting = 0;

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

/** The row that is spoken; none when it is below those that are in the page, which then come. */
function shownAt(ms) {
  const row = rowAt(ms);
  if (row !== rows.at(-1) || !isDetached() || ms < Number(row.dataset.end)) return row;
  loadLater();
  return null;
}

/** The text goes along with the sound while the reader stays with it; where somebody types, nothing moves. */
function goAlong(before, row) {
  if (audio.paused || !before?.isConnected || !row || lines.querySelector(".editor")) return;
  if (isInView(before) && !isInView(row)) row.scrollIntoView({ block: "center", behavior: "instant" });
}

function showRow(row) {
  if (row === current) return;
  const before = current;
  current?.classList.remove("playing");
  row?.classList.add("playing");
  current = row;
  goAlong(before, row);
}

function showPosition() {
  const ms = audio.currentTime * 1000;
  const row = shownAt(ms);
  showRow(row);
  if (!mark) return;
  const word = row && wordsOf(row).find(({ start, end }) => start <= ms && ms < end);
  // The same word of the same text: nothing to paint.
  if (word && word === said) return;
  said = word;
  mark.clear();
  const range = word && rangeIn(row, word.at, word.to);
  if (range) mark.add(range);
}

function showTime() {
  slot(bar, "now").textContent = clock(audio.currentTime * 1000);
  if (document.activeElement !== seek || audio.paused) seek.value = audio.currentTime;
  seek.setAttribute("aria-valuetext", clock(audio.currentTime * 1000));
}

function frame() {
  cancelAnimationFrame(painting);
  showPosition();
  if (!audio.paused) painting = requestAnimationFrame(frame);
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

/** Playing that is paused before it has begun is no failure; all else is said. */
const start = () => {
  // Who listens to something older stays there.
  page.dispatchEvent(new CustomEvent("leave"));
  return audio.play().catch(({ name }) => name === "AbortError" || announce(say("failed")));
};
const toggle = () => (audio.paused ? start() : audio.pause());

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
speed.addEventListener("change", (event) => (audio.playbackRate = Number(event.target.value)));
page.addEventListener("grown", readRows);
page.addEventListener("sought", ({ detail }) => {
  if (audio.readyState >= 1) seekTo(detail);
  else audio.addEventListener("loadedmetadata", () => seekTo(detail), { once: true });
});
lines.addEventListener("click", (event) => {
  const time = event.target.closest("a.time");
  if (!time || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  seekTo(Number(time.closest(".line").dataset.start) / 1000);
  start();
});
// A plain click selects, as everywhere; with Ctrl or Cmd it plays from that word.
lines.addEventListener("click", (event) => {
  const row = event.target.closest(".line");
  if (!row || !(event.ctrlKey || event.metaKey) || event.target.closest("a")) return;
  const place = document.caretPositionFromPoint?.(event.clientX, event.clientY);
  const text = slot(row, "text");
  if (!place || !text.contains(place.offsetNode)) return;
  const before = new Range();
  before.setStart(text, 0);
  before.setEnd(place.offsetNode, place.offset);
  const word = wordsOf(row).findLast(({ at }) => at <= before.toString().length);
  if (!word) return;
  seekTo(word.start / 1000);
  start();
});

/** The word `by` places after the one that is spoken now. */
function stepWord(by) {
  const ms = audio.currentTime * 1000;
  const starts = rows.flatMap((row) => wordsOf(row).map(({ start }) => start));
  const next = by > 0 ? starts.find((start) => start > ms + 20) : starts.findLast((start) => start < ms - 150);
  if (next !== undefined) seekTo(next / 1000);
}

function stepSpeed(by) {
  const chosen = Math.min(Math.max(speed.selectedIndex + by, 0), speed.options.length - 1);
  speed.selectedIndex = chosen;
  speed.dispatchEvent(new Event("change"));
}

// While somebody types: started a little before the place, and a pause goes back as far, so that no word is missed.
page.addEventListener("playback", ({ detail: { act, ms, by } }) => {
  if (act === "toggle" && !audio.paused) seekTo(Math.max(audio.currentTime - REWIND_SECONDS, 0));
  if (act === "toggle") toggle();
  if (act === "step") seekTo(Math.max(audio.currentTime + by, 0));
  if (act === "open" && audio.readyState >= 1) {
    const isHere = ms.start / 1000 <= audio.currentTime && audio.currentTime < ms.end / 1000;
    if (isHere || audio.paused) seekTo(Math.max((isHere ? audio.currentTime : ms.start / 1000) - REWIND_SECONDS, 0));
  }
});

bind({
  " ": toggle, k: toggle,
  j: () => seekTo(Math.max(audio.currentTime - 5, 0)), l: () => seekTo(audio.currentTime + 5),
  ",": () => stepWord(-1), ".": () => stepWord(1), "[": () => stepSpeed(-1), "]": () => stepSpeed(1),
});
readRows();
if (audio.readyState >= 1) audio.dispatchEvent(new Event("loadedmetadata"));
