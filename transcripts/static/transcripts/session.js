// The session page: what the server rendered goes on to grow, row by row, from the socket.
import { announce, byId, clock, config, moment, say, setPill, setText, slot, span } from "./dom.js";
import { Coverage } from "./coverage.js";
import { rowAt, rowOf } from "./earlier.js";
import * as find from "./find.js";
import { Follow } from "./follow.js";
import { bind } from "./keys.js";
import { Live } from "./live.js";
import { Pace } from "./pace.js";
import { showLink } from "./shell.js";
import { sourceWords } from "./source_status.js";

const CONNECTING_MS = 600;
const CAUGHT_UP_MS = 3000;
const WAITING_MS = 10000;

const page = byId("session");
const settings = config("session-config");
const lines = byId("lines");
const partial = byId("partial");
const banner = byId("banner");
const isFinal = (state) => settings.final.includes(state);
const isRunning = (state) => state === "running";
const follow = new Follow({ running: !isFinal(settings.state) });
const coverage = new Coverage(settings.coverage);
const pace = new Pace({ ...settings.coverage, live: settings.live, running: isRunning(settings.state) });
let lastEnd = Number([...lines.querySelectorAll(".line")].at(-1)?.dataset.end ?? 0);
let bannerTimer = 0;
let waitingTimer = 0;
/** What comes is new, not the log of what happened before. */
let isNow = false;

const cloned = (id) => byId(id).content.firstElementChild.cloneNode(true);

function makeLine({ seq, data }) {
  const line = cloned("line-template");
  line.id = `seg-${data.segment}`;
  Object.assign(line.dataset, { seq, start: data.start_ms, end: data.end_ms });
  line.dataset.words = JSON.stringify(data.words ?? []);
  line.firstElementChild.textContent = clock(data.start_ms);
  line.firstElementChild.href = `#${line.id}`;
  slot(line, "text").textContent = data.text;
  if (data.language) line.querySelector(".said").lang = data.language;
  if (data.speaker) {
    const speaker = document.createElement("span");
    speaker.className = "speaker";
    speaker.textContent = data.speaker;
    line.querySelector(".said").prepend(speaker, " ");
  }
  if (data.unconfirmed) {
    line.classList.add("unconfirmed");
    line.append(cloned("flag-template"));
  }
  return line;
}

function makeGap({ seq, data }) {
  const gap = cloned("gap-template");
  const reason = settings.reasons[data.reason] ?? String(data.reason ?? "").replaceAll("_", " ");
  gap.dataset.seq = seq;
  gap.querySelector(".gap-text").textContent = `${say("lost", span(data.end_ms - data.start_ms))}: ${reason}`;
  gap.querySelector(".gap-time").textContent = `${clock(data.start_ms)}–${clock(data.end_ms)}`;
  return gap;
}

/** Rows that the server rendered between reading the number and reading the rows come again: once is enough. */
const isShown = (seq) => lines.querySelector(`[data-seq="${seq}"]`) !== null;

function append(row) {
  byId("nothing").hidden = true;
  lines.append(row);
}

function showPartial({ text, start_ms: start, heard_ms: heard }) {
  if (start < lastEnd - 1) return;
  byId("heard").textContent = clock(heard);
  coverage.reached(heard);
  pace.heard(heard, text);
  partial.dataset.start = start;
  partial.querySelector(".time").textContent = clock(start);
  partial.querySelector(".said").textContent = text;
  partial.hidden = !text;
  if (text) byId("nothing").hidden = true;
  follow.grown(0);
}

function commit(message) {
  const { data } = message;
  lastEnd = Math.max(lastEnd, data.end_ms);
  if (Number(partial.dataset.start ?? Infinity) < data.end_ms) partial.hidden = true;
  if (data.text && !isShown(message.seq)) {
    const line = makeLine(message);
    append(line);
    find.grown(line);
  }
  byId("heard").textContent = clock(data.end_ms);
  coverage.commit(data.start_ms, data.end_ms, Boolean(data.text));
  pace.settled(data.end_ms, isNow);
  page.dispatchEvent(new CustomEvent("grown"));
  follow.grown(1);
}

function changeState({ state, message = "", next_step: nextStep = "" }) {
  page.dataset.state = state;
  setPill(page, settings.looks, state, settings.live);
  for (const [name, states] of Object.entries(settings.controls)) {
    for (const control of page.querySelectorAll(`[data-control="${name}"]`)) control.hidden = !states.includes(state);
  }
  const problem = byId("problem");
  problem.hidden = !message || !settings.problems.includes(state);
  setText(slot(problem, "message"), message);
  setText(slot(problem, "next_step"), nextStep);
  showTail(state);
  if (isFinal(state)) partial.hidden = true;
  follow.running(!isFinal(state));
  pace.setRunning(isRunning(state));
  if (isFinal(state)) coverage.close();
  learn();
  announce([settings.looks[state]?.word, message].filter(Boolean).join(": "));
}

/** What only the source itself could tell, and who comes before. */
async function learn() {
  clearTimeout(waitingTimer);
  const answer = await fetch(settings.facts).catch(() => null);
  if (!answer?.ok) return;
  const facts = await answer.json();
  settings.live = facts.live;
  setPill(page, settings.looks, page.dataset.state, settings.live);
  coverage.learn(facts);
  pace.learn(facts);
  setText(byId("length"), facts.duration_ms ? ` / ${clock(facts.duration_ms)}` : "");
  setText(byId("queue"), facts.waiting);
  if (page.dataset.state === "queued") waitingTimer = setTimeout(learn, WAITING_MS);
}

function setTitle(title) {
  const old = page.querySelector("h1");
  document.title = document.title.replace(old.textContent, () => title);
  old.textContent = title;
  const field = byId("title");
  if (field && field !== document.activeElement) field.value = title;
}

/** What is known about the text to come, under the text. */
function showTail(state) {
  setText(byId("tail"), ["finishing", "waiting"].includes(state) ? settings.looks[state].hint : "");
}

function addToLog({ seq, at, type, data }) {
  const item = document.createElement("li");
  const time = document.createElement("time");
  const text = document.createElement("span");
  const words = {
    state: () => [settings.looks[data.state]?.word ?? data.state, data.message].filter(Boolean).join(": "),
    gap: () => makeGap({ seq, data }).querySelector(".gap-text").textContent,
    source: () => sourceWords(data),
    revise: () => (data.title ? say("renamed", data.title) : undefined),
  };
  item.dataset.seq = seq;
  time.dateTime = at;
  time.textContent = moment(at, "time");
  text.textContent = words[type]?.() ?? data.message ?? data.code ?? byId("strings").dataset.connected;
  item.append(time, " ", text);
  if (!byId("log").querySelector(`[data-seq="${seq}"]`)) byId("log").prepend(item);
}

const handlers = {
  partial: ({ data }) => showPartial(data),
  commit,
  gap(message) {
    coverage.gap(message.data.start_ms, message.data.end_ms);
    if (!isShown(message.seq)) append(makeGap(message));
    follow.grown(1);
    addToLog(message);
  },
  state(message) {
    changeState(message.data);
    addToLog(message);
  },
  revise(message) {
    if (message.data.title) setTitle(message.data.title);
    addToLog(message);
  },
  session(message) {
    addToLog(message);
    learn();
  },
  notice: addToLog,
  source: (message) => message.seq !== undefined && addToLog(message),
};

function showBanner(text, tone, forMs = 0) {
  clearTimeout(bannerTimer);
  banner.dataset.tone = tone;
  setText(banner, text);
  if (text) announce(text);
  if (forMs) bannerTimer = setTimeout(() => setText(banner, ""), forMs);
}

function lost(state) {
  isNow = false;
  pace.lost();
  const upTo = lastEnd ? say("complete", clock(lastEnd)) : say("nothing");
  showBanner(`${say(`${state}Banner`)} ${upTo}`, "warn");
  partial.hidden = true;
}

const states = {
  connecting() {
    clearTimeout(bannerTimer);
    bannerTimer = setTimeout(() => showBanner(say("connecting"), "quiet"), CONNECTING_MS);
  },
  reconnecting: () => lost("reconnecting"),
  offline: () => lost("offline"),
  gone: () => showBanner(say("gone"), "bad"),
  login: () => showBanner(say("login"), "bad"),
  live({ again, fresh }) {
    isNow = true;
    if (!again) showBanner("", "quiet");
    else showBanner(fresh ? say("caughtUpN", fresh) : say("caughtUp"), "good", CAUGHT_UP_MS);
  },
};

/** `#seg-12`, and `#t=83.5` in seconds or `#t=1:23`: there, with the reader in charge. */
async function openHash() {
  const [, segment, time] = location.hash.match(/^#(?:seg-(\d+)|t=([\d:.]+))$/) ?? [];
  if (segment === undefined && time === undefined) return;
  follow.leave();
  const seconds = (time ?? "").split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  const row = segment === undefined ? await rowAt(seconds * 1000) : await rowOf(segment);
  if (!row) return;
  row.scrollIntoView({ block: "center", behavior: "instant" });
  for (const other of lines.querySelectorAll(".sought")) other.classList.remove("sought");
  row.classList.add("sought");
  const at = segment === undefined ? seconds : Number(row.dataset.start) / 1000;
  page.dispatchEvent(new CustomEvent("sought", { detail: at }));
}

find.start(() => follow.leave());
bind({
  g: () => follow.resume(),
  C: () => page.querySelector('[data-control="commit"]:not([hidden]) button')?.click(),
});
addEventListener("hashchange", openHash);
openHash();
if (!isFinal(settings.state)) learn();
showTail(settings.state);
if (follow.following) follow.resume();
new Live(settings.socket, {
  after: settings.after,
  onMessage(message) {
    handlers[message.type]?.(message);
    // For the modules beside this one, after the page knows of it.
    page.dispatchEvent(new CustomEvent("message", { detail: message }));
  },
  onState(state, detail) {
    showLink(state);
    states[state]?.(detail);
  },
});
