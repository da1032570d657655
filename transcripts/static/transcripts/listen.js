// What is kept of a session that goes on can be played so far: the sound is looked for, and taken anew as it grows.
import { byId } from "./dom.js";

const LOOK_MS = 5000;
const OLD_MS = 15000;

const page = byId("session");
const root = byId("player");
const audio = root.querySelector("audio");
const seek = root.querySelector("[data-seek]");
const play = root.querySelector("[data-play]");
const address = root.dataset.audio;
const isGrowing = () => ["queued", "running", "finishing", "waiting", "paused"].includes(page.dataset.state);
let has = audio.hasAttribute("src");
let takenAt = performance.now();
let taking = false;
let timer = 0;

function showReady() {
  play.disabled = !has;
}

/** Played where the browser lets it; who paused meanwhile meant it. */
const goOn = () => audio.play().catch(() => undefined);

/** The sound as it is kept now, at the same place and going on if it was playing. */
function take() {
  if (taking) return;
  const [at, wasPlaying] = [audio.currentTime, has && !audio.paused];
  taking = true;
  takenAt = performance.now();
  audio.src = `${address}?to=${Math.round(takenAt)}`;
  const over = new AbortController();
  const once = { once: true, signal: over.signal };
  const done = () => {
    taking = false;
    over.abort();
  };
  audio.addEventListener("loadedmetadata", () => {
    done();
    if (at) audio.currentTime = at;
    if (wasPlaying) goOn();
  }, once);
  audio.addEventListener("error", done, once);
}

async function look() {
  clearTimeout(timer);
  if (!has) {
    const answer = await fetch(root.dataset.facts).catch(() => null);
    has = Boolean(answer?.ok && (await answer.json()).sound);
    if (has) take();
  } else if (isGrowing() && audio.paused && performance.now() - takenAt > OLD_MS) {
    take();
  }
  showReady();
  clearTimeout(timer);
  if (isGrowing()) timer = setTimeout(look, LOOK_MS);
}

/** At the end of what was kept when it was taken: there is more by now. */
audio.addEventListener("ended", () => {
  if (!isGrowing() || performance.now() - takenAt < LOOK_MS) return;
  take();
  audio.addEventListener("loadedmetadata", goOn, { once: true });
});
/** The slider lies on the bar of what was heard: one scale for both. */
function rescale() {
  const heard = Number(page.dataset.total ?? 0) / 1000;
  seek.max = Math.max(heard, Number.isFinite(audio.duration) ? audio.duration : 0, 1);
}
audio.addEventListener("loadedmetadata", rescale);
page.addEventListener("covered", rescale);
page.addEventListener("message", ({ detail }) => {
  if (detail.type !== "state") return;
  // The whole of it may be another file than the part.
  if (has && !isGrowing() && audio.paused) take();
  look();
});
showReady();
rescale();
look();
