// Rows of the transcript as the server would write them: text, gaps, silences, and the chip where the voice changes.
import { byId, clock, config, say, slot, span } from "./dom.js";
import { setMarks, writeText } from "./passage.js";

const SILENCE_MS = 30000;
const HUES = 10;
const settings = config("session-config");
const lines = byId("lines");
const voices = [...settings.speakers];

export const cloned = (id) => byId(id).content.firstElementChild.cloneNode(true);

function speakerName(label) {
  const number = label.match(/^speaker_(\d+)$/)?.[1];
  return number === undefined ? label : say("speaker", Number(number) + 1);
}

function initials(name) {
  const words = name.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  return [words[0], words.slice(1).at(-1)].map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase() || "?";
}

function chipOf(label) {
  if (!voices.includes(label)) voices.push(label);
  const chip = document.createElement("span");
  const short = document.createElement("span");
  const name = speakerName(label);
  Object.assign(chip, { className: "speaker" });
  Object.assign(chip.dataset, { hue: voices.indexOf(label) % HUES, label });
  Object.assign(short, { className: "initials", textContent: initials(name) });
  short.setAttribute("aria-hidden", "true");
  const whole = document.createElement("bdi");
  whole.textContent = name;
  chip.append(short, whole);
  return chip;
}

/** A chip where the voice is another one than that of the row `before`. */
export function showVoice(line, before) {
  const said = line.querySelector(".said");
  const label = line.dataset.speaker ?? "";
  const old = said.querySelector(".speaker");
  const wanted = label && label !== (before?.dataset.speaker ?? "");
  if (old && wanted && old.dataset.label === label) return;
  if (old?.nextSibling?.nodeType === Node.TEXT_NODE) old.nextSibling.remove();
  old?.remove();
  if (wanted) said.prepend(chipOf(label), " ");
}

/** Bring a row to what `data` (of a commit or a correction) says; its chip is for `showVoice`. */
export function fill(line, data) {
  Object.assign(line.dataset, { start: data.start_ms, end: data.end_ms, speaker: data.speaker ?? "" });
  line.dataset.words = JSON.stringify(data.words ?? []);
  line.marked = true;
  const time = line.querySelector("a.time");
  time.textContent = clock(data.start_ms);
  time.href = `#${line.id}`;
  writeText(line, data.text);
  setMarks(line, { version: data.version ?? 0, checked: Boolean(data.checked) });
}

/** `message` is a commit of the wire. */
export function makeLine({ seq, data }) {
  const line = cloned("line-template");
  line.id = `seg-${data.segment}`;
  Object.assign(line.dataset, { seq, start: data.start_ms, end: data.end_ms });
  fill(line, data);
  if (data.language) line.querySelector(".said").lang = data.language;
  showVoice(line, [...lines.querySelectorAll(":scope > .line")].at(-1));
  if (data.unconfirmed) {
    line.classList.add("unconfirmed");
    line.append(cloned("flag-template"));
  }
  return line;
}

export function makeGap({ seq, data }) {
  const gap = cloned("gap-template");
  const reason = settings.reasons[data.reason] ?? String(data.reason ?? "").replaceAll("_", " ");
  gap.dataset.seq = seq;
  gap.querySelector(".gap-text").textContent = `${say("lost", span(data.end_ms - data.start_ms))}: ${reason}`;
  gap.querySelector(".gap-time").textContent = `${clock(data.start_ms)}–${clock(data.end_ms)}`;
  return gap;
}

/** A row for the time between `end` and `start` in ms, or nothing when it is short. */
export function makeSilence(end, start) {
  if (start - end <= SILENCE_MS) return null;
  const silence = cloned("silence-template");
  silence.firstElementChild.textContent = say("silence", span(start - end));
  return silence;
}
