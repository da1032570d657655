// How a live source is doing, in one calm line: quiet, stalled, reconnecting; otherwise what it says it plays.
import { byId, setText } from "./dom.js";

const EXPIRES_MS = 15000;
const WARNING = new Set(["stalled", "reconnecting"]);

const page = byId("session");
const line = byId("source-status");
const words = line.querySelector("span");
const texts = line.dataset;
let title = texts.source;
let status = null;

const isAtWork = () => ["running", "finishing"].includes(page.dataset.state);

/** What the activity list says of a stored event of the source. */
export function sourceWords({ code, title: playing = "", message = "" }) {
  if (code === "now_playing") return texts.title.replace("%s", () => playing);
  return { source_dropped: texts.sourceDropped, source_back: texts.sourceBack, source_ended: texts.sourceEnded }[code] ?? message;
}

function present() {
  if (!isAtWork() || !status || performance.now() - status.at > EXPIRES_MS) return null;
  const { state, seconds, attempt, attempts } = status.data;
  if (!(state in texts) || state === "playing") return null;
  if (state === "reconnecting") return texts.reconnecting.replace("%s", attempt).replace("%n", attempts);
  return texts[state].replace("%s", Math.round(seconds + (performance.now() - status.at) / 1000));
}

function show() {
  const trouble = present();
  const text = trouble ?? (title && isAtWork() ? texts.title.replace("%s", () => title) : "");
  line.dataset.tone = trouble && WARNING.has(status.data.state) ? "warn" : "quiet";
  setText(words, text);
  line.hidden = !text;
}

page.addEventListener("message", ({ detail: message }) => {
  if (message.type === "source" && message.seq === undefined) status = { data: message.data, at: performance.now() };
  else if (message.type === "source" && message.data.code === "now_playing") title = message.data.title;
  else if (message.type !== "state") return;
  show();
});
setInterval(show, 1000);
show();
