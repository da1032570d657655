// Comments beside the text: the list is the server's, read again when somebody wrote; rows carry how many are open.
import { announce, byId, clock, say, setText, slot } from "./dom.js";
import { bind } from "./keys.js";
import { indexOf, marksOf, meant, textOf } from "./passage.js";
import { post } from "./send.js";
import { localTimes } from "./shell.js";
import { openTab } from "./tabs.js";

const WAIT_MS = 300;
const page = byId("session");
const list = byId("comments");
const form = byId("comment-form");
const address = list.dataset.address;
let timer = 0;
let asked = 0;
let marked = [];

// --- Rows carry how many -------------------------------------------------------------------------------------------

const openThreads = () => [...list.querySelectorAll("[data-thread]:not([data-settled])")];

function setMark(row, count) {
  if (!row || (!count && !slot(row, "marks"))) return;
  const mark = slot(marksOf(row), "comments");
  mark.hidden = !count;
  slot(mark, "count").textContent = count;
  slot(mark, "words").textContent = say(count === 1 ? "commentOne" : "commentN", count);
  mark.title = slot(mark, "words").textContent;
}

function markRows() {
  const counts = Map.groupBy(openThreads().filter((thread) => thread.dataset.segment), ({ dataset }) => dataset.segment);
  for (const row of marked) setMark(row, 0);
  marked = [...counts.keys()].map((segment) => byId(`seg-${segment}`)).filter(Boolean);
  for (const row of marked) setMark(row, counts.get(String(indexOf(row))).length);
}

// --- The list ------------------------------------------------------------------------------------------------------

/** What somebody is typing stays, with the version that they saw: the server then says when another one is there. */
function keepTyped(field) {
  const now = list.querySelector(`details[data-key="${field.closest("[data-key]").dataset.key}"] form`);
  now?.replaceWith(field.form);
}

/** Read the list again; what has the focus, what is unfolded and what is being typed stays so. */
async function read() {
  clearTimeout(timer);
  const mine = ++asked;
  const answer = await fetch(address, { redirect: "manual" }).catch(() => null);
  if (mine !== asked || !answer?.ok) return;
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = list.contains(document.activeElement);
  const key = focused && document.activeElement.closest("[data-key]")?.dataset.key;
  const unfolded = [...list.querySelectorAll("details[open][data-key]")].map(({ dataset }) => dataset.key);
  const typed = [...list.querySelectorAll("details[open] textarea")].filter((field) => field.value !== field.defaultValue);
  list.replaceChildren(...[...parsed.body.childNodes].map((node) => document.adoptNode(node)));
  localTimes(list);
  for (const name of unfolded) list.querySelector(`details[data-key="${name}"]`)?.setAttribute("open", "");
  for (const field of typed) keepTyped(field);
  if (focused && !list.contains(document.activeElement)) (list.querySelector(`[data-key="${key}"]`) ?? list).focus();
  const { length } = openThreads();
  setText(byId("comment-count"), length ? String(length) : "");
  markRows();
}

/** Another version is there: say what it says, keep what was typed, and let the next try be over that one. */
function showRefusal(deed, note, status, body) {
  const said = status === 200 ? "" : `${body.message} ${body.next_step}`;
  setText(note, body.current ? `${said} “${body.current.text}”` : said);
  note.hidden = !said;
  if (body.current) deed.elements.version.value = body.current.version;
}

list.addEventListener("submit", async (event) => {
  const deed = event.target.closest("form[data-comment-act]");
  if (!deed) return;
  event.preventDefault();
  const { status, body } = await post(deed.action, Object.fromEntries(new FormData(deed)));
  const note = slot(deed, "note");
  if (status === 200) deed.querySelector("textarea")?.form.reset();
  else announce(`${body.message} ${body.next_step}`);
  if (note) showRefusal(deed, note, status, body);
  if (status === 200) deed.closest("details")?.removeAttribute("open");
  await read();
});
list.addEventListener("click", (event) => {
  const reply = event.target.closest("[data-reply]");
  if (reply) return answerTo(reply.closest("[data-thread]"));
  // The same place again is no change of the address.
  const link = event.target.closest("a.comment-time");
  if (link && location.hash === link.hash) dispatchEvent(new HashChangeEvent("hashchange"));
});

// --- Writing -------------------------------------------------------------------------------------------------------

const draftKey = `comment ${address}`;

function aim({ segment = "", at = "", thread = "" }, where) {
  form.elements.segment.value = segment;
  form.elements.at.value = at;
  form.elements.thread.value = thread;
  form.dataset.aimed = "1";
  setText(slot(form, "where"), where);
  slot(form, "target").hidden = !where;
  slot(form, "target").querySelector("[data-forget]").hidden = segment === "" && thread === "";
}

const aimNowhere = () => aim({}, say("commentWhole"));

/** A row that plays is meant where it plays. */
function aimAt(row) {
  if (!row) return aimNowhere();
  const audio = page.querySelector("audio");
  const [start, end] = [Number(row.dataset.start), Number(row.dataset.end)];
  const heard = Math.floor((audio?.currentTime ?? 0) * 1000);
  const at = heard > start && heard < end ? heard : start;
  aim({ segment: indexOf(row), at }, say("commentAt", `${clock(at)} “${textOf(row).slice(0, 60).trim()}”`));
}

function answerTo(thread) {
  aim({ thread: thread.dataset.thread }, say("commentReply", thread.dataset.by || thread.querySelector("strong")?.textContent));
  form.elements.text.focus();
}

/** Open the panel to comment on a row. */
function commentOn(row) {
  openTab("comments");
  if (!form) return list.focus();
  aimAt(row);
  form.elements.text.focus();
}

function back() {
  const row = byId(`seg-${form.elements.segment.value}`);
  if (row) row.querySelector("a.time").focus({ preventScroll: true });
  else form.elements.text.blur();
}

async function send() {
  const { text } = form.elements;
  if (text.readOnly || !text.value.trim()) return;
  text.readOnly = true;
  const { status, body } = await post(form.action, Object.fromEntries(new FormData(form)));
  text.readOnly = false;
  setText(slot(form, "note"), status === 200 ? "" : `${body.message} ${body.next_step}`);
  if (status !== 200) return;
  text.value = "";
  sessionStorage.removeItem(draftKey);
  delete form.dataset.aimed;
  slot(form, "target").hidden = true;
  announce(say("commentSaved"));
  await read();
}

if (form) {
  form.elements.text.value = sessionStorage.getItem(draftKey) ?? "";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  form.addEventListener("input", () => sessionStorage.setItem(draftKey, form.elements.text.value));
  form.elements.text.addEventListener("focus", () => form.dataset.aimed || aimAt(meant()));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") back();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
    else return;
    event.preventDefault();
  });
  form.querySelector("[data-forget]").addEventListener("click", () => {
    aimNowhere();
    form.elements.text.focus();
  });
  bind({ m: () => commentOn(meant()) });
  page.addEventListener("comment", ({ detail }) => commentOn(detail));
}

byId("lines").addEventListener("click", (event) => {
  const mark = event.target.closest("[data-comments]");
  if (!mark) return;
  const segment = indexOf(mark.closest(".line"));
  openTab("comments");
  const thread = openThreads().find(({ dataset }) => dataset.segment === String(segment));
  thread?.scrollIntoView({ block: "nearest" });
  (thread?.querySelector("a.comment-time") ?? list).focus();
});
page.addEventListener("message", ({ detail: { type, data } }) => {
  // Rows that were joined or cut take their comments along.
  const moved = type === "revise" && (data.gone || data.after !== undefined);
  if (type !== "comment" && !moved) return;
  clearTimeout(timer);
  timer = setTimeout(read, WAIT_MS);
});
page.addEventListener("grown", markRows);
markRows();
