// The tabs of the side panel: links of the page, kept in the page by a script, with the keys that tabs have.
import { byId } from "./dom.js";

const tabs = [...byId("tabs").querySelectorAll("[role=tab]")];
const side = byId("side");
const panelOf = (tab) => byId(tab.getAttribute("aria-controls"));

function choose(chosen) {
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
    panelOf(tab).hidden = tab !== chosen;
  }
}

/** Show a tab by name; on a phone the panel opens as well. */
export function openTab(name) {
  side.open = true;
  choose(byId(`tab-${name}`));
}

byId("tabs").addEventListener("click", (event) => {
  const tab = event.target.closest("[role=tab]");
  if (!tab || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(tab);
});
byId("tabs").addEventListener("keydown", (event) => {
  const at = tabs.indexOf(event.target.closest("[role=tab]"));
  const ahead = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  const steps = { Home: -at, End: tabs.length - 1 - at, ArrowLeft: -1, ArrowRight: 1, [ahead]: 1 };
  if (event.key === " ") {
    event.preventDefault();
    return choose(tabs[at]);
  }
  if (at < 0 || !(event.key in steps)) return;
  event.preventDefault();
  const next = tabs[(at + steps[event.key] + tabs.length) % tabs.length];
  choose(next);
  next.focus();
});
// What stays in view stands under the head, however tall that is.
for (const [name, selector] of [["--head", ".session-head"], ["--desk-player", ".desk-player"]]) {
  const above = document.querySelector(selector);
  if (!above) continue;
  new ResizeObserver(() => byId("session").style.setProperty(name, `${above.offsetHeight}px`)).observe(above);
}
choose(tabs.find((tab) => tab.getAttribute("aria-selected") === "true") ?? tabs[0]);
