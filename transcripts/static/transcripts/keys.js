// Keyboard shortcuts: one table for the page, off while somebody types, and a sheet that lists them.
import { byId } from "./dom.js";

const KEPT = "shortcuts";
const TYPING = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const PRESSING = "button, summary, a";
const sheet = byId("keys");
const table = new Map();

const areOn = () => localStorage.getItem(KEPT) !== "off";

/** `bind({ k: act, … })`: what a key does on this page; a key of one's own name such as " " or "Escape". */
export function bind(keys) {
  for (const [key, act] of Object.entries(keys)) table.set(key, act);
  for (const row of sheet?.querySelectorAll("[data-keys]") ?? []) {
    row.hidden = !row.dataset.keys.split(" ").some((key) => table.has(key === "Space" ? " " : key));
  }
  for (const part of sheet?.querySelectorAll("section") ?? []) part.hidden = !part.querySelector("[data-keys]:not([hidden])");
}

function belongsElsewhere(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return true;
  if (event.target.closest(TYPING)) return true;
  // A space or an arrow on a control is the control's own.
  return [" ", "Enter"].includes(event.key) && event.target.closest(PRESSING) !== null;
}

addEventListener("keydown", (event) => {
  if (sheet?.open || !areOn() || belongsElsewhere(event)) return;
  const act = table.get(event.key);
  if (!act) return;
  event.preventDefault();
  act();
});

const toggle = sheet?.querySelector("[data-shortcuts]");
if (toggle) {
  toggle.checked = areOn();
  toggle.addEventListener("change", () => localStorage.setItem(KEPT, toggle.checked ? "on" : "off"));
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  byId("open-keys")?.addEventListener("click", () => sheet.showModal());
  bind({
    "?": () => sheet.showModal(),
    n: () => document.querySelector(".places .new")?.click(),
    "/": () => (byId("q") ? byId("q").focus() : document.querySelector("[data-library]")?.click()),
  });
}
