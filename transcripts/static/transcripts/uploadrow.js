// A file in the list: its name, its bar with speed and time left, and buttons to pause, go on and remove.
import { announce, reader, say, span } from "./dom.js";

export function size(bytes) {
  const unit = bytes < 1e6 ? ["kilobyte", 1e3] : bytes < 1e9 ? ["megabyte", 1e6] : ["gigabyte", 1e9];
  const style = { style: "unit", unit: unit[0], maximumFractionDigits: bytes < 1e9 ? 0 : 1 };
  return new Intl.NumberFormat(reader, style).format(Math.max(bytes / unit[1], 1));
}

const percent = (share) => new Intl.NumberFormat(reader, { style: "percent" }).format(share);

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function button(text, label, action) {
  const made = make("button", "button quiet small", text);
  made.type = "button";
  made.setAttribute("aria-label", label);
  made.addEventListener("click", action);
  return made;
}

function words(sending) {
  const { state, sent, speed, file } = sending;
  const share = percent(sent / file.size);
  if (state === "waiting") return size(file.size);
  if (state === "paused") return say("uploadPaused", share);
  if (state === "offline") return say("uploadWaits", share);
  if (state === "checking") return say("uploadDone");
  if (state === "done") return say("uploadSent");
  if (state === "failed") return sending.message;
  const left = speed ? say("left", span(((file.size - sent) / speed) * 1000)) : "";
  return [share, speed ? `${size(speed)}/s` : "", left].filter(Boolean).join(" · ");
}

/** What people who do not see the bar hear: turns only, never numbers that move. */
const SPOKEN = { offline: "uploadSpokenWaits", done: "uploadSpokenSent" };

/** A row for a Sending; `remove` is called when the person wants it gone, `start` when it is to go (on). */
export function row(sending, { remove, start }) {
  const item = make("li", "chosen-file");
  const told = make("span", "chosen-size", size(sending.file.size));
  const bar = document.createElement("progress");
  Object.assign(bar, { max: 1, value: 0, hidden: true });
  bar.setAttribute("aria-label", say("uploadOf", sending.file.name));
  const moving = () => ["sending", "offline"].includes(sending.state);
  const toggle = button("", "", () => (moving() ? sending.pause() : start(sending)));
  item.append(make("span", "chosen-name", sending.file.name), told, bar, toggle,
    button("×", say("remove", sending.file.name), () => remove(sending)));
  let spoken = "";
  const show = () => {
    const { state } = sending;
    item.dataset.state = state;
    told.textContent = words(sending);
    bar.hidden = ["waiting", "failed"].includes(state);
    bar.value = state === "done" ? 1 : sending.sent / sending.file.size;
    toggle.hidden = !["sending", "offline", "paused", "failed"].includes(state);
    const verb = moving() ? "uploadPause" : state === "failed" ? "uploadRetry" : "uploadResume";
    toggle.textContent = say(verb);
    toggle.setAttribute("aria-label", `${say(verb)}: ${sending.file.name}`);
    if (state !== spoken && SPOKEN[state]) announce(say(SPOKEN[state], sending.file.name));
    if (state !== spoken && state === "failed") announce(sending.message);
    spoken = state;
  };
  show();
  return { item, show };
}

/** A row for an upload that was left unfinished and whose file is not here. */
export function unfinished(about, discard) {
  const item = make("li", "chosen-file");
  item.dataset.state = "unfinished";
  item.append(make("span", "chosen-name", about.name),
    make("span", "chosen-size", say("uploadUnfinished", percent(about.offset / about.size))),
    button("×", say("uploadDiscard", about.name), () => discard(item)));
  return item;
}
