// The session page: what the server rendered goes on to grow, row by row, from the socket.
import { addToLog, reviewWord, showEngine, showWatchers } from "./activity.js";
import { hit } from "./alerts.js";
import { Away } from "./away.js";
import { Conditions } from "./condition.js";
import { announce, byId, clock, config, moment, reader, say, setIcon, setPill, setText, slot } from "./dom.js";
import { Coverage } from "./coverage.js";
import { watchRows } from "./dress.js";
import * as find from "./find.js";
import { Follow } from "./follow.js";
import { bind } from "./keys.js";
import { Live } from "./live.js";
import { Pace } from "./pace.js";
import { bring, isDetached, rowAt, rowOf, trim } from "./paging.js";
import { apply } from "./revise.js";
import { makeGap, makeLine, makeSilence, showVoice } from "./rows.js";
import { showLink } from "./shell.js";
import { Waiting } from "./waiting.js";

const CONNECTING_MS = 600;
const CAUGHT_UP_MS = 3000;
const WAITING_MS = 10000;
const CONNECTION = ["connecting", "reconnecting", "offline", "caught-up"];

const page = byId("session");
const settings = config("session-config");
const lines = byId("lines");
const number = new Intl.NumberFormat(reader);
const partial = byId("partial");
const isFinal = (state) => settings.final.includes(state);
const isRunning = (state) => state === "running";
const asked = new URLSearchParams(location.search);
const asksPlace = Boolean(location.hash) || asked.has("t") || asked.has("seg");
const follow = new Follow({ running: !isFinal(settings.state), away: asksPlace });
const coverage = new Coverage(settings.coverage);
const conditions = new Conditions(() => setPill(page, settings.looks, page.dataset.state, settings.live, page.dataset.rest));
const away = new Away(conditions);
const pace = new Pace({
  ...settings.coverage,
  live: settings.live,
  running: isRunning(settings.state),
  tell: (name, text) => conditions.set(name, text),
});
/** Where the last row ends, in ms, and where the last text does. */
let lastEnd = isDetached() ? settings.coverage.settled_ms : Number([...lines.querySelectorAll(".line")].at(-1)?.dataset.end ?? 0);
let lastRowEnd = Math.max(lastEnd, settings.coverage.gaps.at(-1)?.[1] ?? 0);
let waitingTimer = 0;
let learning = 0;
const waiting = new Waiting();
/** When this page last knew all there was, on its own clock; and how many lines it got since it lost the connection. */
let knownAt = performance.timeOrigin;
let missed = 0;
/** What comes is new, not the log of what happened before. */
let isNow = false;

/** Rows that the server rendered between reading the number and reading the rows come again: once is enough. */
const isShown = (seq) => lines.querySelector(`[data-seq="${seq}"]`) !== null;

/** `row` for the sound from `start` to `end` in ms, and before it the silence that it ended. */
function append({ row, start, end }) {
  const silence = makeSilence(lastRowEnd, start);
  lastRowEnd = Math.max(lastRowEnd, end);
  byId("nothing").hidden = true;
  if (row.matches(".line")) showVoice(row, [...lines.querySelectorAll(":scope > .line")].at(-1));
  lines.append(...[silence, row].filter(Boolean));
}

/** A new row goes under the newest one, if that is in the page. */
function add(entry) {
  if (isDetached()) waiting.keep(entry);
  else append(entry);
}

/** The newest rows came into the page: what was told meanwhile goes under them. */
function catchUp() {
  if (isDetached()) return;
  const numbers = [...lines.querySelectorAll("[data-seq]")].map((row) => Number(row.dataset.seq));
  for (const entry of waiting.take(Math.max(0, ...numbers))) append(entry);
}

function showPartial({ text, start_ms: start, heard_ms: heard }) {
  if (start < lastEnd - 1) return;
  byId("heard").textContent = clock(heard);
  coverage.reached(heard);
  pace.heard(heard, text);
  partial.dataset.start = start;
  partial.querySelector(".time").textContent = clock(start);
  partial.querySelector(".said").textContent = text;
  partial.hidden = !text || isDetached();
  if (text) byId("nothing").hidden = true;
  follow.grown(0);
}

function commit(message) {
  const { data } = message;
  conditions.clear("retrying");
  lastEnd = Math.max(lastEnd, data.end_ms);
  if (Number(partial.dataset.start ?? Infinity) < data.end_ms) partial.hidden = true;
  if (data.text && !isShown(message.seq)) {
    const row = makeLine(message);
    if (!isNow) missed += 1;
    else page.dispatchEvent(new CustomEvent("spoken", { detail: row }));
    add({ row, seq: message.seq, start: data.start_ms, end: data.end_ms });
    find.grown(row);
    if (follow.following) trim();
  }
  byId("heard").textContent = clock(data.end_ms);
  coverage.commit(data.start_ms, data.end_ms, Boolean(data.text));
  pace.settled(data.end_ms, isNow);
  page.dispatchEvent(new CustomEvent("grown"));
  follow.grown(1);
}

function changeState({ at, data: { state, code = "", message: english = "", next_step: nextStep = "", within_ms: within } }) {
  const message = settings.said[english] ?? english;
  const rest = state === "paused" && code === settings.rested ? "rested" : "";
  Object.assign(page.dataset, { state, rest });
  setPill(page, settings.looks, state, settings.live, rest);
  for (const [name, states] of Object.entries(settings.controls)) {
    for (const control of page.querySelectorAll(`[data-control="${name}"]`)) control.hidden = !states.includes(rest || state);
  }
  const problem = byId("problem");
  problem.hidden = !message || !settings.problems.includes(state);
  setIcon(problem, rest ? "pause" : "alert");
  setText(slot(problem, "message"), message);
  setText(slot(problem, "next_step"), settings.said[nextStep] ?? nextStep);
  const feed = problem.querySelector("[data-slot=feed]");
  if (feed) feed.hidden = code !== "is_feed";
  const step = code && !rest && settings.steps.find(([starts]) => starts.some((start) => code.startsWith(start)))?.[1];
  setText(slot(problem, "step"), step ? say("stoppedAt", step) : "");
  slot(problem, "kept").hidden = !(lines.querySelector(".line") && state === "failed");
  conditions.clear("retrying");
  showTail(state, within ? new Date(Date.parse(at) + within) : null);
  if (!isRunning(state)) away.back();
  if (isFinal(state)) partial.hidden = true;
  follow.running(!isFinal(state));
  pace.setRunning(isRunning(state));
  if (isFinal(state)) coverage.close();
  learn();
  announce([settings.looks[rest || state]?.word, message].filter(Boolean).join(": "));
}

/** What only the source itself could tell, and who comes before. */
async function learn() {
  clearTimeout(waitingTimer);
  const mine = ++learning;
  const answer = await fetch(settings.facts).catch(() => null);
  const facts = answer?.ok ? await answer.json().catch(() => null) : null;
  // An answer that was overtaken says what was.
  if (mine !== learning) return;
  if (page.dataset.state === "queued") waitingTimer = setTimeout(learn, WAITING_MS);
  if (!facts) return;
  settings.live = facts.live;
  conditions.repill();
  coverage.learn(facts);
  pace.learn(facts);
  setText(byId("length"), facts.duration_ms ? ` / ${clock(facts.duration_ms)}` : "");
  setText(byId("queue"), facts.waiting);
}

function setTitle(title) {
  const old = page.querySelector("h1");
  document.title = document.title.replace(old.textContent, () => title);
  old.textContent = title;
  const field = byId("title");
  if (field && field !== document.activeElement) field.value = title;
}

/** What is known about the text to come, under the text. */
function showTail(state, by) {
  const words = [settings.looks[state]?.hint, by && say("byThen", moment(by, "time"))].filter(Boolean).join(" ");
  for (const name of ["finishing", "waiting"]) conditions.set(name, state === name ? words : "");
}

const handlers = {
  partial: ({ data }) => showPartial(data),
  commit,
  gap(message) {
    const { start_ms: start, end_ms: end } = message.data;
    coverage.gap(start, end);
    if (!isShown(message.seq)) add({ row: makeGap(message), seq: message.seq, start, end });
    away.close();
    follow.grown(1);
    addToLog(message);
  },
  state(message) {
    changeState(message);
    addToLog(message);
  },
  revise(message) {
    if (message.data.title) setTitle(message.data.title);
    if (message.data.engine) showEngine(message.data.engine);
    // Corrections have a history of their own.
    if (message.data.segment === undefined) addToLog(message);
    else {
      waiting.revise(message.data);
      apply(message.data);
    }
  },
  session(message) {
    conditions.clear("retrying");
    addToLog(message);
    learn();
  },
  review(message) {
    addToLog(message);
    announce([reviewWord(message.data.state), message.data.by].filter(Boolean).join(" · "));
  },
  comment: ({ data }) => isNow && data.what === "written" && announce(say("commentNew", data.by)),
  notice(message) {
    if (message.data.attempt && isRunning(page.dataset.state)) retrying(message.data.attempt);
    addToLog(message);
  },
  presence: showWatchers,
  alert: ({ data }) => hit(data),
  source(message) {
    if (message.seq === undefined) return away.passing(message.data);
    away.stored(message);
    return addToLog(message);
  },
};

/** The engine's connection broke; what is spoken meanwhile is kept and heard again. */
function retrying(attempt) {
  conditions.show("retrying", say("retrying", attempt));
}

function lost(state) {
  if (isNow) missed = 0;
  isNow = false;
  pace.lost();
  const upTo = lastEnd ? say("complete", moment(new Date(knownAt), "time")) : say("nothing");
  conditions.clear(...CONNECTION);
  conditions.show(state, `${say(`${state}Banner`)} ${upTo}`);
  partial.hidden = true;
}

/** Nothing more comes to this page. */
function over(state) {
  conditions.clear(...CONNECTION);
  conditions.show(state, say(state));
}

const states = {
  connecting: () => conditions.show("connecting", say("connecting"), { after: CONNECTING_MS }),
  reconnecting: () => lost("reconnecting"),
  offline: () => lost("offline"),
  gone: () => over("gone"),
  login: () => over("login"),
  live({ again }) {
    isNow = true;
    knownAt = Date.now();
    conditions.clear(...CONNECTION);
    if (!again) return;
    const told = missed === 1 ? say("caughtUpOne") : say(missed ? "caughtUpN" : "caughtUp", number.format(missed));
    conditions.show("caught-up", told, { lasting: CAUGHT_UP_MS });
  },
};

const inSeconds = (time) => time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);

/** `#seg-12`, and `#t=83.5` in seconds or as `1:23`: there, the reader in charge. The server leads `?seg=12` and
 * `?t=83.5` to `?seg=12&t=83.5#seg-12`, so that the browser paints the row in its place before any script runs. */
async function openHash() {
  const place = location.hash || (asked.has("seg") ? `#seg-${asked.get("seg")}` : `#t=${asked.get("t") ?? ""}`);
  const [, segment, time] = place.match(/^#(?:seg-(\d+)|t=([\d:.]+))$/) ?? [];
  if (segment === undefined && time === undefined) return;
  follow.leave();
  const exactly = asked.get("seg") === segment ? asked.get("t") : "";
  const seconds = inSeconds(time ?? exactly ?? "");
  const row = segment === undefined ? await rowAt(seconds * 1000) : await rowOf(segment);
  if (!row) return;
  bring(row, { suffices: true });
  for (const other of lines.querySelectorAll(".sought")) other.classList.remove("sought");
  row.classList.add("sought");
  const [start, end] = [Number(row.dataset.start) / 1000, Number(row.dataset.end) / 1000];
  const at = segment === undefined || (start <= seconds && seconds < end) ? seconds : start;
  page.dispatchEvent(new CustomEvent("sought", { detail: at }));
}

watchRows();
page.addEventListener("grown", () => {
  catchUp();
  watchRows();
});
// Who writes or plays something older stays there.
page.addEventListener("leave", () => follow.leave());
find.start(() => follow.leave());
bind({
  g: () => follow.resume(),
  C: () => page.querySelector('[data-control="commit"]:not([hidden]) button')?.click(),
});
addEventListener("hashchange", openHash);
openHash();
if (!isFinal(settings.state)) learn();
showTail(settings.state, settings.finishing_by && new Date(settings.finishing_by));
if (settings.retrying && isRunning(settings.state)) retrying(settings.retrying);
if (follow.following) follow.resume();
new Live(settings.socket, {
  after: settings.after,
  presence: true,
  onMessage(message) {
    if (isNow) knownAt = Date.now();
    handlers[message.type]?.(message);
    // For the modules beside this one, after the page knows of it.
    page.dispatchEvent(new CustomEvent("message", { detail: message }));
  },
  onState(state, detail) {
    showLink(state);
    states[state]?.(detail);
  },
});
