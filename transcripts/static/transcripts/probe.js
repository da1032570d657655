// Under the box for links: what each leads to, before anything is started.
import { csrfToken, say } from "./dom.js";

const MOST = 20;
const AT_ONCE = 2;
const AGAIN_MS = 5000;
const TRIES = 12;
const WAIT_MS = 700;
const RELEASE_MS = 250;
const form = document.querySelector("form[data-upload]");
const links = form.querySelector("textarea[name=links]");
const list = form.querySelector("[data-probe]");
const known = new Map();
const waiting = [];
let asking = 0;
let timer = 0;

const every = () => [...new Set(links.value.split("\n").map((line) => line.trim()))].filter(Boolean);
const lines = () => every().slice(0, MOST);
const isWhole = (line) => /^https?:\/\/[^\s/]+\.[^\s/]+/i.test(line);

async function ask(link) {
  const body = new URLSearchParams({ link });
  const headers = { "X-CSRFToken": csrfToken() };
  for (let tries = 0; tries < TRIES && lines().includes(link); tries += 1) {
    const answer = await fetch(list.dataset.probe, { method: "POST", body, headers }).catch(() => null);
    if (answer?.ok) return known.set(link, await answer.json());
    // Too many at once: a little later. No answer at all: when the box is left again.
    if (answer?.status !== 429) break;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  known.delete(link);
}

/** A few at once, in the order in which they stand. */
async function work() {
  if (asking >= AT_ONCE || !waiting.length) return;
  asking += 1;
  await ask(waiting.shift());
  asking -= 1;
  show();
  work();
}

function row(link) {
  const found = known.get(link);
  if (!found) return [];
  const [item, name, said] = ["li", "span", "span"].map((tag) => document.createElement(tag));
  name.className = "probe-link";
  name.textContent = found.title || link.replace(/^https?:\/\//i, "");
  said.textContent = found === "asked" ? say("probing") : [found.sentence.replace(/\.$/, ""), found.next_step].filter(Boolean).join(". ");
  said.dataset.tone = found === "asked" || found.usable ? "quiet" : "warn";
  item.append(name, " ", said);
  if (found.feed) item.append(" ", chooser(link));
  return [item];
}

function chooser(link) {
  const feed = document.getElementById("feed-form");
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button soft small", textContent: feed.dataset.choose });
  button.addEventListener("click", () => {
    feed.elements.link.value = link;
    feed.submit();
  });
  return button;
}

function show() {
  list.replaceChildren(...lines().flatMap(row));
  const more = every().length - MOST;
  if (more > 0 && list.childElementCount) {
    const rest = document.createElement("li");
    rest.textContent = say("notLooked", String(more));
    list.append(rest);
  }
  list.hidden = !list.childElementCount;
}

function look() {
  clearTimeout(timer);
  for (const link of lines()) {
    if (known.has(link) || !isWhole(link)) continue;
    known.set(link, "asked");
    waiting.push(link);
    work();
  }
  show();
}

// Not between the press and the release of a button, which would move away under the pointer.
links.addEventListener("blur", ({ relatedTarget }) => {
  clearTimeout(timer);
  if (!relatedTarget?.closest("button, a")) timer = setTimeout(look, RELEASE_MS);
});
form.addEventListener("submit", () => clearTimeout(timer));
links.addEventListener("paste", () => setTimeout(look));
links.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(show, WAIT_MS);
});
if (links.value) look();
