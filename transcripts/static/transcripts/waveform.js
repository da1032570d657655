// The shape of the sound above the bar of what was heard, on the same scale; drawn anew as more of it is kept.
import { byId } from "./dom.js";

const POINTS = 500;
const HALF = 128;
const SOONEST_MS = 5000;
const LATEST_MS = 60000;

const page = byId("session");
const drawing = byId("waveform");
const shape = drawing.querySelector("path");
let kept = { ms: 0, pairs: [] };
let timer = 0;

const isAtWork = () => ["running", "finishing"].includes(page.dataset.state);

/** One closed outline: along the upper edges, back along the lower ones. */
function outline({ ms, pairs }, scale) {
  const step = ((ms / scale) * 1000) / pairs.length;
  const point = (at, value) => `${(at * step).toFixed(1)} ${(HALF - value).toFixed(0)}`;
  const upper = pairs.map(([, high], at) => point(at + 0.5, Math.max(high, 1)));
  const lower = pairs.map(([low], at) => point(at + 0.5, Math.min(low, -1))).reverse();
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

function draw() {
  drawing.toggleAttribute("hidden", !kept.pairs.length);
  shape.setAttribute("d", kept.pairs.length ? outline(kept, Math.max(Number(page.dataset.total ?? 0), kept.ms)) : "");
}

async function load() {
  clearTimeout(timer);
  const answer = await fetch(`${drawing.dataset.href}?points=${POINTS}`).catch(() => null);
  if (answer?.ok) kept = await answer.json();
  draw();
  clearTimeout(timer);
  if (isAtWork()) timer = setTimeout(load, Math.min(Math.max(kept.ms / 200, SOONEST_MS), LATEST_MS));
}

page.addEventListener("covered", draw);
page.addEventListener("message", ({ detail }) => {
  if (detail.type === "state") load();
});
load();
