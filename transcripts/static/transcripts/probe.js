// Under the box for links: what each leads to, before anything is started.
import { csrfToken, say } from "./dom.js";

const MOST = 5;
const WAIT_MS = 700;
const RELEASE_MS = 250;
const form = document.querySelector("form[data-upload]");
const links = form.querySelector("textarea[name=links]");
const list = form.querySelector("[data-probe]");
const known = new Map();
let timer = 0;

const lines = () => [...new Set(links.value.split("\n").map((line) => line.trim()))].filter(Boolean).slice(0, MOST);
const isWhole = (line) => /^https?:\/\/[^\s/]+\.[^\s/]+/i.test(line);

async function ask(link) {
  const body = new URLSearchParams({ link });
  const headers = { "X-CSRFToken": csrfToken() };
  const answer = await fetch(list.dataset.probe, { method: "POST", body, headers }).catch(() => null);
  // Too many at once, or no answer: nothing is said, and it is asked again when the box is left again.
  if (!answer?.ok) known.delete(link);
  else known.set(link, await answer.json());
  show();
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
  list.hidden = !list.childElementCount;
}

function look() {
  clearTimeout(timer);
  for (const link of lines()) {
    if (known.has(link) || !isWhole(link)) continue;
    known.set(link, "asked");
    ask(link);
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
