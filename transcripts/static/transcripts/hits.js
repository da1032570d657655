// Plays what was said around a hit, without leaving the page; rows that are read anew meanwhile change nothing.
import { byId } from "./dom.js";

const BEFORE_MS = 4000;
const AFTER_MS = 6000;
const audio = byId("hit-sound");
let playing = "";
let until = 0;

function show() {
  for (const button of document.querySelectorAll("[data-hit]")) {
    button.hidden = false;
    button.setAttribute("aria-pressed", String(button.dataset.hit === playing));
  }
}

function stop() {
  playing = "";
  audio.pause();
  show();
}

function start(button) {
  const at = Number(button.dataset.at);
  playing = button.dataset.hit;
  until = (at + AFTER_MS) / 1000;
  audio.src = button.dataset.sound;
  audio.currentTime = Math.max(0, (at - BEFORE_MS) / 1000);
  audio.play().catch(() => undefined);
  show();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-hit]");
  if (!button) return;
  if (button.dataset.hit === playing) stop();
  else start(button);
});
audio.addEventListener("timeupdate", () => audio.currentTime >= until && stop());
audio.addEventListener("ended", stop);
// The sound is not kept any more: the page of the transcript says so.
audio.addEventListener("error", () => {
  const row = document.querySelector(`[data-hit="${playing}"]`)?.parentElement;
  stop();
  if (row) location.href = row.querySelector("a").href;
});
document.addEventListener("htmx:afterSwap", show);
show();
