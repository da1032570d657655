// Captions for a room: the last words, large; what a person chose here is kept, and an overlay can be told by its link
// (`?size=6&lines=2&style=clear&bar=0`).
import { announce, byId, config, say, setPill, setText, slot } from "./dom.js";
import { bind } from "./keys.js";
import { Live } from "./live.js";

const KEPT = "captions";
const [SMALLEST, LARGEST] = [2, 14];
const KEPT_CHARACTERS = 900;
const CALM_MS = 3000;

const root = byId("captions");
const box = root.querySelector(".captions-box");
const text = byId("captions-text");
const settings = config("captions-config");
const told = Object.fromEntries(new URLSearchParams(location.search));
// An overlay has its look by its address: what somebody chose on another page of this browser is not meant for it.
const own = settings.overlay ? { style: "clear" } : JSON.parse(localStorage.getItem(KEPT) ?? "{}");
// Held in a hand it is read, not watched: as much as fits.
const isInHand = matchMedia("(orientation: portrait) and (width < 40rem)").matches;
const chosen = { size: 6, lines: isInHand && !settings.overlay ? "all" : "3", style: "dark", ...own, ...told };
let settled = slot(text, "settled").textContent;
let lastEnd = 0;
let calm = 0;

function apply() {
  chosen.size = Math.min(Math.max(Number(chosen.size) || 6, SMALLEST), LARGEST);
  root.style.setProperty("--size", `${chosen.size}vmin`);
  for (const name of ["lines", "style"]) {
    const field = root.querySelector(`[name=${name}]`);
    if (![...field.options].some((option) => option.value === chosen[name])) chosen[name] = field.options[1 - (name === "style")].value;
    root.dataset[name] = field.value = chosen[name];
  }
  box.scrollTop = box.scrollHeight;
}

function choose(changes) {
  Object.assign(chosen, changes);
  apply();
  const { size, lines, style } = chosen;
  localStorage.setItem(KEPT, JSON.stringify({ size, lines, style }));
}

function show(open = "") {
  slot(text, "settled").textContent = settled;
  slot(text, "open").textContent = open;
  // The newest line is the lowest, and what does not fit has been read.
  box.scrollTop = box.scrollHeight;
}

function commit({ data }) {
  lastEnd = Math.max(lastEnd, data.end_ms);
  if (!data.text) return show();
  if (data.language) text.lang = data.language;
  settled = `${settled} ${data.text}`.slice(-KEPT_CHARACTERS).trimStart();
  show();
}

function state({ data }) {
  setPill(root, settings.looks, data.state, settings.live);
  if (settings.final.includes(data.state)) show();
  announce(settings.looks[data.state]?.word ?? "");
}

/** A public link gets the whole present picture each time. */
function picture({ data }) {
  if (data.language) text.lang = data.language;
  settled = data.settled;
  show(data.open);
  if (!settings.overlay) setText(byId("captions-note"), data.ended ? say("captionsOver") : "");
}

const handlers = {
  commit,
  state,
  caption: picture,
  partial: ({ data }) => data.start_ms >= lastEnd - 1 && show(data.text),
  revise: ({ data }) => data.title && (root.querySelector("h1").textContent = data.title),
};
const notes = { reconnecting: "reconnectingBanner", offline: "offlineBanner", gone: settings.public ? "captionsGone" : "gone", login: "login" };

function connection(name) {
  if (name === "gone") show((settled = ""));
  // A link with a password whose pass has gone: the page asks for it again.
  if (name === "login" && settings.public) location.reload();
  if (settings.overlay) return; // On air nothing but speech is shown.
  setText(byId("captions-note"), notes[name] ? say(notes[name]) : "");
}

/** The bar leaves while nobody moves, and stays while the keyboard is in it. */
function wake() {
  root.classList.remove("calm");
  clearTimeout(calm);
  calm = setTimeout(() => root.classList.toggle("calm", !root.querySelector(".captions-bar:focus-within")), CALM_MS);
}

async function stayAwake() {
  if (document.visibilityState !== "visible") return;
  // Refused on a low battery and in old browsers: then the screen sleeps, as everywhere.
  await navigator.wakeLock?.request("screen").catch(() => {});
}

root.addEventListener("change", ({ target }) => choose({ [target.name]: target.value }));
root.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-size], [data-full]");
  if (button?.dataset.size) choose({ size: chosen.size + Number(button.dataset.size) });
  else if (button && document.fullscreenElement) document.exitFullscreen();
  else if (button) document.documentElement.requestFullscreen?.().catch(() => {});
});
for (const name of ["pointermove", "keydown", "focusin"]) addEventListener(name, wake, { passive: true });
addEventListener("resize", () => show(slot(text, "open").textContent));
document.addEventListener("visibilitychange", stayAwake);
bind({ "+": () => choose({ size: chosen.size + 1 }), "-": () => choose({ size: chosen.size - 1 }) });
byId("captions-bar").hidden = settings.overlay || told.bar === "0";
apply();
wake();
stayAwake();
new Live(settings.socket, {
  after: settings.after,
  onMessage: (message) => handlers[message.type]?.(message),
  numbered: !settings.public,
  onState: connection,
});
