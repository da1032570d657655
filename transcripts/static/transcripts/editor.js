// Correcting a passage where it stands. What is typed is kept in this tab until the server has it.
import { announce, byId, config, say, setText, slot } from "./dom.js";
import { bind } from "./keys.js";
import { indexOf, meant, rowsNow, textOf } from "./passage.js";
import { apply } from "./revise.js";
import { cloned } from "./rows.js";
import { diffNodes, post } from "./send.js";
import { openHistory } from "./history.js";

const RENEW_MS = 10000;
const settings = config("session-config");
const page = byId("session");
const lines = byId("lines");
/** The one editor: its row and form, the version and texts that it began with, what it waits for. */
let now = null;

const draftKey = (index) => `draft ${settings.segments}${index}`;
const speakerOf = (row) => row.dataset.speaker ?? "";
const play = (detail) => page.dispatchEvent(new CustomEvent("playback", { detail }));
const address = (index, verb) => `${settings.segments}${index}/${verb}`;
const isChanged = () => now && (now.area.value !== now.text || now.speaker.value !== now.name);
const nextOf = (row) => rowsNow()[rowsNow().indexOf(row) + 1] ?? null;

// --- Drafts --------------------------------------------------------------------------------------------------------

function keep() {
  if (!isChanged()) return sessionStorage.removeItem(draftKey(now.index));
  const draft = { text: now.area.value, speaker: now.speaker.value, version: now.version };
  sessionStorage.setItem(draftKey(now.index), JSON.stringify(draft));
}

function takeDraft() {
  const draft = JSON.parse(sessionStorage.getItem(draftKey(now.index)) ?? "null");
  if (!draft) return;
  now.area.value = draft.text;
  now.speaker.value = draft.speaker;
  now.version = draft.version;
  note(say("draft"));
  slot(now.form, "discard").hidden = false;
}

function discard() {
  sessionStorage.removeItem(draftKey(now.index));
  const { row } = now;
  close();
  open(row);
}

/** Rows of which this tab keeps text that was never saved say so, also when the page is loaded again. */
function showDrafts() {
  const start = draftKey("");
  const kept = Object.keys(sessionStorage).filter((key) => key.startsWith(start));
  for (const key of kept) byId(`seg-${key.slice(start.length)}`)?.classList.add("has-draft");
}
showDrafts();
page.addEventListener("grown", showDrafts);

// --- Opening and closing -------------------------------------------------------------------------------------------

function note(text, tone = "quiet") {
  const place = slot(now.form, "note");
  place.dataset.tone = tone;
  setText(place, text);
}

async function renew() {
  if (!now) return;
  const mine = now;
  const { status, body } = await post(address(mine.index, "lock"));
  // Closed while it was asked, and not open again since.
  if (now?.index !== mine.index) return post(address(mine.index, "lock"), { release: 1 });
  if (now !== mine) return undefined;
  setText(slot(mine.form, "other"), status === 200 && body.by ? say("editing", body.by) : "");
}

export function open(row, caret) {
  if (!row || page.hasAttribute("data-locked") || now?.row === row) return;
  if (now) close();
  page.dispatchEvent(new CustomEvent("leave"));
  const form = cloned("editor-template");
  now = {
    row, form, index: indexOf(row), version: Number(row.dataset.version ?? 0), text: textOf(row), name: speakerOf(row),
    area: form.elements.text, speaker: form.elements.speaker, busy: false,
  };
  now.area.value = now.text;
  now.speaker.value = now.name;
  row.classList.add("edited-now");
  row.append(form);
  takeDraft();
  now.area.focus({ preventScroll: true });
  const at = caret ?? now.area.value.length;
  now.area.setSelectionRange(at, at);
  row.scrollIntoView({ block: "nearest", behavior: "instant" });
  play({ act: "open", ms: { start: Number(row.dataset.start), end: Number(row.dataset.end) } });
  renew();
  now.timer = setInterval(renew, RENEW_MS);
}

/** Closes; what was typed and not saved stays as a draft of this tab. */
function close() {
  if (!now) return;
  const { row, form, index, timer } = now;
  keep();
  clearInterval(timer);
  now = null;
  form.remove();
  row.classList.remove("edited-now");
  row.classList.toggle("has-draft", sessionStorage.getItem(draftKey(index)) !== null);
  if (row.dataset.gone) row.remove();
  post(address(index, "lock"), { release: 1 }, { keepalive: true });
  if (row.isConnected) row.querySelector("[data-edit]")?.focus({ preventScroll: true });
}

// --- Saving --------------------------------------------------------------------------------------------------------

/** Closed while it was being saved: what the server has is no draft any more. */
function forget({ index, row }, { text, speaker }) {
  const draft = JSON.parse(sessionStorage.getItem(draftKey(index)) ?? "null");
  if (!draft || now?.index === index || (text ?? draft.text) !== draft.text || (speaker ?? draft.speaker) !== draft.speaker) return;
  sessionStorage.removeItem(draftKey(index));
  row.classList.remove("has-draft");
}

/** One request of the editor: its answer when it was done, else null with the reason shown. */
async function act(verb, fields) {
  const mine = now;
  const { status, body } = await post(address(mine.index, verb), { version: mine.version, ...fields });
  if (now !== mine) {
    if (status === 200) forget(mine, fields);
    return null;
  }
  if (status === 200) return body.segments;
  if (status === 409) showConflict(body);
  else note(`${body.message} ${body.next_step}`, "bad");
  return null;
}

function took(segment) {
  apply(segment);
  Object.assign(now, { version: segment.version, text: segment.text, name: segment.speaker });
}

/** Everything that was typed is on the server: true. */
async function saveTyped() {
  const [text, speaker] = [now.area.value, now.speaker.value.trim()];
  if (text !== now.text) {
    const changed = await act("edit", { text });
    if (!changed) return false;
    took(changed[0]);
    now.area.value = changed[0].text;
  }
  if (speaker !== now.name) {
    const changed = await act("speaker", { speaker });
    if (!changed) return false;
    took(changed[0]);
    now.speaker.value = changed[0].speaker;
  }
  sessionStorage.removeItem(draftKey(now.index));
  return true;
}

/** Do one thing at a time; the fields stand still meanwhile. */
async function busy(work) {
  if (!now || now.busy) return;
  const mine = now;
  mine.busy = true;
  mine.area.readOnly = true;
  note(say("saving"));
  try {
    await work();
  } finally {
    mine.busy = false;
    mine.area.readOnly = false;
  }
  if (now === mine && slot(mine.form, "note").dataset.tone === "quiet") note("");
}

function goOn() {
  const next = nextOf(now.row);
  close();
  announce(say("saved"));
  if (next) open(next, 0);
}

const acts = {
  save: () => busy(async () => (await saveTyped()) && goOn()),
  check: () =>
    busy(async () => {
      if (!(await saveTyped())) return;
      const checked = await act("check", { checked: 1 });
      if (!checked) return;
      apply({ segment: now.index, checked: true });
      goOn();
    }),
  split: () =>
    busy(async () => {
      // Where the cut is in the text as the server keeps it: on one line, with single spaces.
      const at = now.area.value.slice(0, now.area.selectionStart).trim().replace(/\s+/g, " ").length;
      if (!(await saveTyped())) return;
      const parts = await act("split", { at });
      if (!parts) return;
      took(parts[0]);
      now.area.value = parts[0].text;
      apply({ ...parts[1], after: now.index });
      goOn();
    }),
  merge: () =>
    busy(async () => {
      const { row } = now;
      const next = nextOf(row);
      if (!(await saveTyped())) return;
      const joined = await act("merge", { next_version: next?.dataset.version ?? 0 });
      if (!joined) return;
      took({ ...joined[0], gone: next ? [indexOf(next)] : [] });
      now.area.value = joined[0].text;
      close();
      open(row);
    }),
  history: () => openHistory(now.index),
  comment() {
    const { row } = now;
    close();
    page.dispatchEvent(new CustomEvent("comment", { detail: row }));
  },
  cancel: close,
  discard,
  mine: () => busy(async () => settle(now.theirs.version) && (await saveTyped()) && goOn()),
  theirs() {
    sessionStorage.removeItem(draftKey(now.index));
    now.area.value = now.text;
    now.speaker.value = now.name;
    const { row } = now;
    close();
    if (row.isConnected) open(row);
  },
  hand() {
    settle(now.theirs.version);
    note(say("byHand"));
    slot(now.form, "conflict").hidden = false;
    slot(now.form, "choices").hidden = true;
    now.area.focus();
  },
};

// --- Somebody else was faster --------------------------------------------------------------------------------------

function settle(version) {
  now.version = version;
  slot(now.form, "conflict").hidden = true;
  return true;
}

function showConflict({ current, by, diff, message, next_step: nextStep }) {
  const place = slot(now.form, "conflict");
  now.theirs = current;
  const typed = now.area.value;
  const compared = diff.length ? diff : [["same", typed]];
  setText(slot(place, "cause"), current ? `${message} ${nextStep}` : say("merged"));
  setText(slot(place, "name"), by);
  slot(place, "theirs").replaceChildren(...(current ? diffNodes(compared, ["same", "gone"]) : []));
  slot(place, "mine").replaceChildren(...diffNodes(compared, ["same", "new"]));
  if (current && !diff.length) slot(place, "theirs").textContent = current.text;
  for (const name of ["mine", "hand"]) place.querySelector(`[data-act="${name}"]`).hidden = !current;
  slot(place, "choices").hidden = false;
  place.hidden = false;
  note("");
  if (current) {
    apply(current);
    // Against theirs from now on; what was typed stays in the field and in the draft.
    if (now.speaker.value === now.name) now.speaker.value = current.speaker;
    Object.assign(now, { text: current.text, name: current.speaker });
    keep();
  }
  announce(slot(place, "cause").textContent);
  place.scrollIntoView({ block: "nearest", behavior: "instant" });
  place.querySelector("[data-act]:not([hidden])").focus({ preventScroll: true });
}

page.addEventListener("revised", ({ detail }) => {
  if (!now || detail.by === undefined) return;
  if (detail.gone?.includes(now.index)) note(say("merged"), "warn");
  else if (detail.segment === now.index && detail.version > now.version) note(say("savedMeanwhile", detail.by), "warn");
});

// --- Keys and clicks -----------------------------------------------------------------------------------------------

const playing = { KeyK: { act: "toggle" }, KeyJ: { act: "step", by: -5 }, KeyL: { act: "step", by: 5 } };

lines.addEventListener("keydown", (event) => {
  if (!now || !now.form.contains(event.target)) return;
  const command = event.ctrlKey || event.metaKey;
  let done = true;
  if (event.key === "Escape") close();
  else if (event.key === "Enter" && command) acts[event.shiftKey ? "check" : "save"]();
  else if (event.altKey && !command && playing[event.code]) play(playing[event.code]);
  else done = false;
  if (!done) return;
  event.preventDefault();
  event.stopPropagation();
});
lines.addEventListener("submit", (event) => {
  event.preventDefault();
  acts.save();
});
lines.addEventListener("input", (event) => now?.form.contains(event.target) && keep());
lines.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act], [data-edit], [data-history]");
  if (!button) return;
  const row = button.closest(".line");
  if (button.dataset.act) acts[button.dataset.act]();
  else if (button.dataset.history !== undefined) openHistory(indexOf(row));
  else open(row);
});
/** How far into the row's text the selection begins. */
function caretIn(row) {
  const { anchorNode, anchorOffset } = getSelection();
  const text = slot(row, "text");
  if (!anchorNode || !text.contains(anchorNode)) return undefined;
  const before = new Range();
  before.setStart(text, 0);
  before.setEnd(anchorNode, anchorOffset);
  return before.toString().length;
}
lines.addEventListener("dblclick", (event) => {
  const row = event.target.closest(".line");
  if (!row || event.target.closest("form, button, a")) return;
  open(row, caretIn(row));
});
async function flag(row) {
  if (!row || page.hasAttribute("data-locked")) return;
  const { status, body } = await post(`${settings.segments.replace(/segments\/$/, "flag/")}${indexOf(row)}`);
  announce(status === 200 ? say("flagged") : `${body.message} ${body.next_step}`);
  if (status === 200) row.classList.add("sought");
}
bind({ e: () => open(meant()), x: () => flag(meant()) });
page.addEventListener("locked", () => now && close());
addEventListener("pagehide", () => now && post(address(now.index, "lock"), { release: 1 }, { keepalive: true }));
addEventListener("beforeunload", (event) => isChanged() && event.preventDefault());
