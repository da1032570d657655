// Small helpers that every page script shares. Text from outside goes into text nodes only.

export const reader = document.documentElement.lang || "en";

export const byId = (id) => document.getElementById(id);

export const slot = (root, name) => root.querySelector(`[data-slot="${name}"]`);

export const config = (id) => JSON.parse(byId(id).textContent);

/** A translated sentence of the page; `%s` is replaced by `value`. */
export function say(name, value = "") {
  return (byId("strings")?.dataset[name] ?? "").replace("%s", () => value);
}

/** Tell people who do not see the page, once and politely. */
export function announce(text) {
  const status = byId("status");
  if (status.textContent !== text) status.textContent = text;
}

/** 83000 as 1:23, an hour and more as 1:02:03. */
export function clock(ms) {
  const all = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor((all % 3600) / 60), all % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

const minutes = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false };
const shapes = {
  "": minutes,
  full: { ...minutes, year: "numeric" },
  time: { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false },
};

/** A moment in the reader's own time zone: 22 Nov, 08:20; `full` with the year; `time` as 08:20:14. */
export function moment(iso, shape = "") {
  return new Date(iso).toLocaleString(reader === "en" ? "en-GB" : reader, shapes[shape]);
}

/** 12000 as "12 s", a minute and more as a clock. */
export function span(ms) {
  return ms < 60000 ? say("seconds", Math.max(Math.round(ms / 1000), 1)) : clock(ms);
}

export function setIcon(root, name) {
  root.querySelector("use")?.setAttribute("href", `#i-${name}`);
}

/** Show `text` in `element`, or hide the element when there is none. */
export function setText(element, text) {
  if (!element) return;
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

/** The entry of the server's table of looks for a state: a running or paused one may have a phase. */
export function lookKey(state, live, phase = "") {
  if (phase && ["running", "paused"].includes(state)) return phase;
  return state === "running" && live ? "live" : state;
}

/** A state as icon, word and tone; `looks` is the server's table. */
export function setPill(root, looks, state, live, phase = "") {
  const pill = root.querySelector("[data-pill]");
  const look = looks[lookKey(state, live, phase)];
  if (!pill || !look) return;
  pill.dataset.tone = look.tone;
  pill.dataset.state = state;
  setIcon(pill, look.icon);
  slot(pill, "word").textContent = look.word;
}

export const csrfToken = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
