// A long transcript is in the page by one window of its rows. Scrolling brings the rows above and below it without moving
// what is read; a jump brings a window of its own.
import { byId, config, reader, say } from "./dom.js";
import { cloned, showVoice } from "./rows.js";

const lines = byId("lines");
const { rows: address } = config("session-config");
const NEAR = "800px 0px";
const FRAMES = 10;
const RETRY_MS = 3000;
/** So many rows a page keeps that only follows, and so many it goes back to: ten hours of them make a slow page. */
const [MOST, KEPT] = [600, 300];
const number = new Intl.NumberFormat(reader);
const SIDES = ["earlier", "later"];
let loading = null;
let failedAt = -RETRY_MS;
let bringing = 0;

const rows = () => [...lines.querySelectorAll(":scope > .line")];
const told = () => byId("session").dispatchEvent(new CustomEvent("grown"));
/** The newest row is not in the page. */
export const isDetached = () => byId("later") !== null;
/** Somebody writes in a row: it must stay. */
const isHeld = () => lines.querySelector(".editor") !== null;

/** Do what changes rows above or below, holding what is in view where it stands. */
function holding(change) {
  const anchor = rows().find((row) => row.getBoundingClientRect().bottom > 0) ?? rows()[0];
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (!anchor?.isConnected) return;
  const moved = anchor.getBoundingClientRect().top - before;
  if (Math.abs(moved) > 1) scrollBy({ top: moved, behavior: "instant" });
}

async function fetchRows(query) {
  const answer = await fetch(`${address}${query}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...parsed.body.children].map((row) => document.adoptNode(row));
}

/** One at a time; false when nothing came. */
async function alone(work) {
  while (loading) await loading.catch(() => {});
  loading = work();
  try {
    const came = await loading;
    watch();
    return came;
  } catch {
    failedAt = performance.now();
    setTimeout(watch, RETRY_MS);
    return false;
  } finally {
    loading = null;
  }
}

/** Put rows in place of the link to them; the voice of what follows them is known now. */
function insert(link, found) {
  holding(() => {
    link.replaceWith(...found);
    const all = rows();
    const ends = [found.find((row) => row.matches(".line")), found.at(-1)?.nextElementSibling];
    for (const row of ends) if (row?.matches(".line")) showVoice(row, all[all.indexOf(row) - 1]);
  });
  told();
}

/** The rows beyond one side, a page of them or all from where `query` says; false when there are none. */
function load(side, query = "") {
  return alone(async () => {
    const link = byId(side);
    if (!link) return false;
    insert(link, await fetchRows(new URL(link.querySelector("a").href).search + query));
    return true;
  });
}

/** The next page of rows below, for who listens on; not at once again when it did not come. */
export const loadLater = () => loading ?? (performance.now() - failedAt > RETRY_MS ? load("later") : null);

/** Who only follows keeps the newest rows; those above are a link again. Call it before the page is told that it grew. */
export function trim() {
  const all = rows();
  if (all.length <= MOST || loading || isDetached() || isHeld()) return;
  const first = all[all.length - KEPT];
  const isAbove = (row) => row && row.compareDocumentPosition(first) & Node.DOCUMENT_POSITION_FOLLOWING;
  if (isAbove(lines.querySelector(".playing")) || isAbove(document.activeElement?.closest("#lines > *"))) return;
  const ahead = Number(byId("earlier")?.dataset.count ?? 0) + all.length - KEPT;
  while (lines.firstElementChild !== first) lines.firstElementChild.remove();
  const link = cloned("earlier-template");
  link.dataset.count = ahead;
  link.querySelector("a").href = `?before=${first.id.slice(4)}.${first.dataset.start}`;
  link.querySelector("a").textContent = say("earlier", number.format(ahead));
  lines.prepend(link);
  showVoice(first, undefined);
  watch();
}

/** Rows joined to those of the page where they meet, else in place of them. */
function take(found) {
  const place = (row) => found.findIndex(({ id }) => row && id === row.id);
  const [up, down] = [place(rows()[0]), place(rows().at(-1))];
  if (up >= 0 && byId("earlier")) insert(byId("earlier"), found.slice(0, up));
  if (down >= 0 && byId("later")) insert(byId("later"), found.slice(down + 1));
  if (up >= 0 || down >= 0) return;
  lines.replaceChildren(...found);
  told();
}

/** The window of rows that `query` asks for, if it holds what `isWanted`. */
function loadWindow(query, isWanted = () => true) {
  return alone(async () => {
    const found = await fetchRows(query);
    if (!found.some(isWanted)) return false;
    take(found);
    return true;
  });
}

/** The row of segment `index`, loaded if need be. */
export async function rowOf(index) {
  const found = () => byId(`seg-${index}`);
  if (!found() && !isHeld()) await loadWindow(`?seg=${index}`, ({ id }) => id === `seg-${index}`);
  if (!isHeld()) return found();
  while (!found() && (await load("earlier", `&from=${index}`)));
  while (!found() && (await load("later")));
  return found();
}

const holds = (ms) => {
  const all = rows();
  const isBelow = !byId("earlier") || Number(all[0]?.dataset.start) <= ms;
  return isBelow && (!byId("later") || Number(all.at(-1)?.dataset.start) > ms);
};

/** The row that is spoken at `ms`, loaded if need be; the first one for a time before it. */
export async function rowAt(ms) {
  if (!holds(ms) && !isHeld()) await loadWindow(`?t=${(ms / 1000).toFixed(3)}`);
  // Somebody writes: what lies between must come as well.
  while (rows()[0] && Number(rows()[0].dataset.start) > ms && (await load("earlier", `&at=${Math.floor(ms)}`)));
  while (!holds(ms) && (await load("later")));
  return rows().findLast((row) => Number(row.dataset.start) <= ms) ?? rows()[0] ?? null;
}

/** Whether a row stands whole between the head of the page and its end. */
export function isInView(row) {
  const { top, bottom } = row.getBoundingClientRect();
  return top >= document.querySelector(".session-head").getBoundingClientRect().bottom && bottom <= innerHeight - 40;
}

/** A row to the middle of the view, or left where it stands in view if that `suffices`; and held there until the rows
 * about it have their real heights: they are drawn only when they come near. The newest call counts, and the reader. */
export function bring(row, { suffices = false } = {}) {
  const mine = ++bringing;
  const kept = suffices && row?.isConnected && isInView(row) ? row.getBoundingClientRect().top : null;
  const place = (frames, before) => {
    if (mine !== bringing || !row?.isConnected) return;
    if (kept === null) row.scrollIntoView({ block: "center", behavior: "instant" });
    else scrollBy({ top: row.getBoundingClientRect().top - kept, behavior: "instant" });
    const { top } = row.getBoundingClientRect();
    if (frames && (top !== before || kept !== null)) {
      requestAnimationFrame(() => requestAnimationFrame(() => place(frames - 1, top)));
    }
  };
  place(FRAMES, NaN);
}
for (const gesture of ["wheel", "touchmove", "pointerdown", "keydown"]) addEventListener(gesture, () => (bringing += 1), { passive: true });

/** The newest rows, loaded if need be. */
export async function toEnd() {
  if (isDetached() && !isHeld()) await loadWindow("?end");
  while (isDetached() && (await load("later")));
}

lines.addEventListener("click", (event) => {
  const side = event.target.closest("#earlier, #later");
  if (!side || !event.target.closest("a")) return;
  event.preventDefault();
  load(side.id);
});

const observer = new IntersectionObserver(
  (entries) => {
    const side = entries.find((entry) => entry.isIntersecting)?.target.id;
    if (side && !loading) load(side);
  },
  { rootMargin: NEAR },
);

function watch() {
  observer.disconnect();
  for (const side of SIDES) if (byId(side)) observer.observe(byId(side));
}

// Not at once: the page is at its end first, and what is above it would be in view for a moment.
requestAnimationFrame(() => requestAnimationFrame(watch));
