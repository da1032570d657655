// Beside the text: unsure words, speakers, find and replace, where the transcript stands in review, and its flags.
import { announce, byId, clock, say, setText, slot } from "./dom.js";
import { bind } from "./keys.js";
import { bring, rowOf } from "./paging.js";
import { diffNodes, post, refreshIdle } from "./send.js";
import { marksUnsure, rowsNow, showUnsure, textOf, wordsOf } from "./passage.js";
import { cloned } from "./rows.js";

const WAIT_MS = 300;
/** So many characters of a passage tell which one is meant. */
const SNIPPET = 80;
const page = byId("session");

// --- Unsure words: offered where the engine says how sure it is ----------------------------------------------------

const toggle = byId("unsure-toggle");
const knows = () => rowsNow().some((row) => wordsOf(row).some(({ sure }) => typeof sure === "number"));
function offerUnsure() {
  const box = toggle.closest("[data-unsure]");
  if (box.hidden && knows()) box.hidden = false;
}
toggle.checked = marksUnsure();
toggle.addEventListener("change", () => showUnsure(toggle.checked));
page.addEventListener("grown", offerUnsure);
offerUnsure();

// --- Speakers ------------------------------------------------------------------------------------------------------

const speakers = byId("speakers");
let timer = 0;
function refreshSpeakers() {
  clearTimeout(timer);
  timer = setTimeout(() => refreshIdle(speakers, speakers.dataset.address), WAIT_MS);
}
if (speakers) {
  page.addEventListener("message", ({ detail: { type, data } }) => {
    if ((type === "revise" && data.segment !== undefined) || (type === "commit" && data.speaker)) refreshSpeakers();
  });
}

// --- Find and replace ----------------------------------------------------------------------------------------------

const dialog = byId("replace");
if (dialog) {
  const form = dialog.querySelector("form[data-replace]");
  const button = form.querySelector("[data-do]");
  let asked = 0;
  let waiting = 0;

  async function preview() {
    const mine = ++asked;
    const fields = new URLSearchParams(new FormData(form));
    button.disabled = true;
    const list = slot(form, "examples");
    if (!form.elements.find.value.trim()) {
      list.replaceChildren();
      return setText(slot(form, "count"), "");
    }
    const answer = await fetch(`${form.action}?${fields}`).catch(() => null);
    if (mine !== asked) return;
    if (!answer?.ok) return setText(slot(form, "count"), say("failed"));
    const { count, examples } = await answer.json();
    const told = say(count === 1 ? "replaceOne" : "replaceN", count);
    setText(slot(form, "count"), told);
    announce(told);
    list.replaceChildren(...examples.map(({ diff }) => {
      const item = document.createElement("li");
      item.append(...diffNodes(diff));
      return item;
    }));
    button.disabled = !count;
  }

  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(preview, WAIT_MS);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    const { status, body } = await post(form.action, Object.fromEntries(new FormData(form)));
    const told = status === 200 ? say("replaced", body.count) : `${body.message} ${body.next_step}`;
    slot(form, "examples").replaceChildren();
    setText(slot(form, "count"), told);
    announce(told);
  });
  byId("open-replace").addEventListener("click", () => {
    page.querySelector(".more-menu").open = false;
    dialog.showModal();
    form.elements.find.select();
    preview();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

// --- Where it stands -----------------------------------------------------------------------------------------------

const bar = byId("standing");
page.addEventListener("message", ({ detail: { type, data } }) => {
  if (type !== "review" && type !== "state") return;
  if (type === "review") page.toggleAttribute("data-locked", data.state === "approved");
  if (page.hasAttribute("data-locked")) page.dispatchEvent(new CustomEvent("locked"));
  if (bar) refreshIdle(bar, bar.dataset.address);
});

// --- Flags of the review screen ------------------------------------------------------------------------------------

const flags = byId("flags");
if (flags) {
  const links = () => [...flags.querySelectorAll("a[data-flag]")].filter((link) => !link.closest("[data-done]"));
  const current = () => flags.querySelector("[aria-current]");

  async function go(link) {
    if (!link) return;
    current()?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    link.scrollIntoView({ block: "nearest" });
    const hash = new URL(link.href).hash;
    if (location.hash === hash && link.dataset.flag) {
      bring(await rowOf(link.dataset.flag));
    } else location.hash = hash;
  }

  function step(by) {
    const all = links();
    const at = all.indexOf(current());
    go(all[(at + by + all.length) % all.length] ?? all[0]);
  }

  function count() {
    const told = say(links().length === 1 ? "flagLeft" : "flagsLeft", links().length);
    setText(byId("flags-left"), flags.children.length ? told : "");
    byId("no-flags").hidden = Boolean(flags.children.length);
  }

  flags.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-flag]");
    if (!link) return;
    event.preventDefault();
    go(link);
  });
  const isOpen = ({ state }) => state === "open";

  function item({ id, kind, segment, start_ms: start, details }) {
    const row = cloned("flag-row-template");
    Object.assign(row.dataset, { id, kind, start });
    const link = row.querySelector("a");
    link.dataset.flag = segment ?? "";
    link.href = segment === null ? `#t=${clock(start)}` : `#seg-${segment}`;
    slot(row, "kind").textContent = JSON.parse(flags.dataset.kinds)[kind] ?? kind;
    slot(row, "time").textContent = clock(start);
    const said = byId(`seg-${segment}`);
    setText(slot(row, "said"), said ? textOf(said).slice(0, SNIPPET) : "");
    setText(slot(row, "note"), details?.note ?? "");
    // As spoken, whenever it was raised.
    flags.insertBefore(row, [...flags.children].find((other) => Number(other.dataset.start) > start) ?? null);
    return row;
  }

  /** Flags as the server tells them: new ones, and answers to those that are listed. */
  function take(told, by = "") {
    for (const flag of told) {
      const row = flags.querySelector(`[data-id="${flag.id}"]`) ?? (isOpen(flag) ? item(flag) : null);
      row?.toggleAttribute("data-done", !isOpen(flag));
      if (row) row.title = isOpen(flag) ? "" : by;
    }
    count();
  }

  flags.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-answer]");
    if (!button) return;
    const row = button.closest("li");
    const { status, body } = await post(`${flags.dataset.address}${row.dataset.id}/${button.dataset.answer}`);
    if (status !== 200) return announce(`${body.message} ${body.next_step}`);
    const hadFocus = document.activeElement === button;
    take(body.flags);
    // The button gave its place to the one that takes the answer back.
    if (hadFocus) [...row.querySelectorAll("[data-answer]")].find((one) => one.checkVisibility())?.focus();
  });
  page.addEventListener("message", ({ detail: { type, data } }) => type === "flag" && take(data.flags, data.by));
  bind({ v: () => step(1), V: () => step(-1) });
  count();
}
