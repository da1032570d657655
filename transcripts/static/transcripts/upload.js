// Files: dropped anywhere, listed before they go, sent in parts beside the form; what was typed stays when something is
// wrong. Without scripts the form sends them itself.
import { announce, csrfToken, say } from "./dom.js";
import { ask, Sending } from "./sending.js";
import { row, unfinished } from "./uploadrow.js";

const AT_ONCE = 2;
const form = document.querySelector("form[data-upload]");
const input = form.querySelector("[name=uploads]");
const chosen = form.querySelector("[data-chosen]");
const address = form.dataset.upload;
/** Sending -> its row. */
const rows = new Map();
let left = [];
let posting = false;
let typed = "";

const busy = () => [...rows.keys()].filter((sending) => ["sending", "offline", "checking"].includes(sending.state));

function refresh() {
  chosen.hidden = chosen.children.length === 0;
  input.required = false;
}

// --- Choosing -----------------------------------------------------------------------------------------------------

function options() {
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== "string" || ["links", "csrfmiddlewaretoken"].includes(name)) continue;
    fields[name] = name in fields ? [].concat(fields[name], value) : value;
  }
  return fields;
}

function add(files) {
  for (const file of files) {
    const sending = new Sending(file, address, options, changed);
    const shown = row(sending, { remove, start: (one) => one.run() });
    rows.set(sending, shown);
    chosen.append(shown.item);
    if (!sending.recall(takeLeft(file))) continue;
    announce(say("uploadGoesOn", file.name));
    next(sending);
  }
  refresh();
}

/** The address of the unfinished upload that `file` seems to belong to; its row goes. */
function takeLeft(file) {
  const found = left.find(({ about }) => about.name === file.name && about.size === file.size);
  left = left.filter((one) => one !== found);
  found?.item.remove();
  return found?.about.url ?? "";
}

function remove(sending) {
  rows.get(sending)?.item.remove();
  rows.delete(sending);
  sending.cancel();
  refresh();
  input.focus();
}

async function listUnfinished() {
  const answer = await ask("GET", address).catch(() => null);
  for (const about of answer?.uploads ?? []) {
    const here = [...rows.keys()].some((sending) => sending.url === about.url || sending.file.name === about.name);
    if (here) continue;
    const item = unfinished(about, discard);
    left.push({ about, item });
    chosen.append(item);
  }
  refresh();
}

async function discard(item) {
  const found = left.find((one) => one.item === item);
  await ask("DELETE", found.about.url).catch(() => {});
  left = left.filter((one) => one !== found);
  item.remove();
  refresh();
  input.focus();
}

// --- Sending ------------------------------------------------------------------------------------------------------

function changed(sending) {
  rows.get(sending)?.show();
  if (sending.state === "failed" && sending.errors) showErrors(sending.errors);
  if (["done", "failed", "paused"].includes(sending.state)) queueMicrotask(goOn);
}

function next(only = null) {
  const waiting = only ? [only] : [...rows.keys()].filter(({ state }) => state === "waiting");
  for (const sending of waiting.slice(0, Math.max(AT_ONCE - busy().length, 0))) sending.run();
}

let sendingAll = false;

function goOn() {
  const all = [...rows.keys()];
  if (sendingAll && !all.some(({ errors }) => errors)) next();
  if ((!all.length && !typed) || all.some(({ state }) => state !== "done") || posting) return;
  const places = [...all.map(({ location: place }) => place), typed].filter(Boolean);
  location.assign(places.length === 1 ? places[0] : "/");
}

function showErrors(errors) {
  for (const place of form.querySelectorAll("[data-error-for]")) {
    const texts = errors[place.dataset.errorFor] ?? [];
    place.textContent = texts.join("\n");
    place.hidden = texts.length === 0;
    if (texts.length) place.closest("details")?.setAttribute("open", "");
  }
  const first = form.querySelector("[data-error-for]:not([hidden])");
  if (!first) return;
  announce(first.textContent);
  const field = form.elements[first.dataset.errorFor];
  field?.focus?.();
  first.scrollIntoView({ block: "center" });
}

/** Send what was typed; true when there is no mistake in it. */
async function post() {
  const body = new FormData(form);
  body.delete("uploads");
  posting = true;
  for (const one of form.querySelectorAll("button:not([type=button])")) one.disabled = true;
  try {
    const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
    const response = await fetch(form.action, { method: "POST", body, headers });
    const answer = await response.json().catch(() => null);
    const failure = say({ 403: "loggedOut", 413: "tooLarge" }[response.status] ?? "failed");
    typed = answer?.location ?? "";
    if (!typed) showErrors(answer?.errors ?? { "": [failure] });
  } catch {
    showErrors({ "": [say("uploadFailed")] });
  }
  posting = false;
  for (const one of form.querySelectorAll("button:not([type=button])")) one.disabled = false;
  return Boolean(typed);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (posting) return;
  showErrors({});
  for (const sending of rows.keys()) if (sending.errors) Object.assign(sending, { errors: null, state: "waiting" });
  const links = form.querySelector("[name=links]");
  if (links.value.trim() || !rows.size) {
    if (!(await post())) return;
    if (!rows.size) return location.assign(typed);
    links.value = "";
  }
  sendingAll = true;
  // The button stands below what now moves.
  chosen.scrollIntoView({ block: "center" });
  goOn();
});

// --- Dropping -----------------------------------------------------------------------------------------------------

input.addEventListener("change", () => {
  add([...input.files]);
  input.value = "";
});
addEventListener("online", () => busy().forEach((sending) => sending.hurry()));
addEventListener("beforeunload", (event) => busy().length && event.preventDefault());

let depth = 0;
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => {
  if (!hasFiles(event)) return;
  depth += 1;
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => {
  if (!hasFiles(event)) return;
  depth = Math.max(depth - 1, 0);
  if (!depth) document.body.classList.remove("dropping");
});
addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  depth = 0;
  document.body.classList.remove("dropping");
  add([...event.dataTransfer.files]);
  form.scrollIntoView({ block: "nearest" });
});

// One line while empty, more as links are pasted; Enter sends a single line, as in every box like it.
const links = form.querySelector("textarea[name=links]");
links.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || links.rows > 1 || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
listUnfinished();
