// What every page has: menus that close, the theme switch, the connection dot, and errors of controls.
import { announce, byId, csrfToken, moment, say, slot } from "./dom.js";
import "./copy.js";
import "./keys.js";

// The server writes times in its own zone; the reader is in another, perhaps.
export function localTimes(root) {
  for (const time of root.querySelectorAll("time[data-moment]")) {
    time.textContent = moment(time.dateTime, time.dataset.moment);
  }
}

localTimes(document);
document.body.addEventListener("htmx:afterSettle", (event) => localTimes(event.target));

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

byId("theme-form")?.addEventListener("submit", (event) => {
  const chosen = event.submitter?.value;
  if (!chosen) return;
  event.preventDefault();
  document.documentElement.dataset.theme = chosen;
  for (const button of event.target.querySelectorAll("[name=theme]")) {
    button.setAttribute("aria-pressed", String(button.value === chosen));
  }
  const body = new FormData(event.target);
  body.set("theme", chosen);
  fetch(event.target.action, { method: "POST", body, redirect: "manual" });
});

/** The dot in the rail: `state` is one of live.js. */
export function showLink(state) {
  const place = byId("link-state");
  const words = { live: "connected", gone: "offline", login: "offline" };
  if (!place) return;
  place.hidden = false;
  place.dataset.state = state;
  slot(place, "word").textContent = say(words[state] ?? state);
}

document.body.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = csrfToken();
});

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status === 409) announce(xhr.responseText);
  else if (xhr.status >= 400) announce(say("failed"));
});

// What reads itself anew while somebody marks its text would take that from them: it waits for the next time.
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const marked = getSelection();
  if (detail.target.matches("[data-steady]") && !marked.isCollapsed && detail.target.contains(marked.anchorNode)) detail.shouldSwap = false;
});

document.body.addEventListener("htmx:afterRequest", (event) => {
  event.target.closest?.("details.menu")?.removeAttribute("open");
});

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-export]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { openExport } = await import("./export.js");
  openExport(link.href, link);
});
