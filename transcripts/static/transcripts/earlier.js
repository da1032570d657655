// A long transcript is in the page by its end; older rows come in above without moving what is read.
import { byId } from "./dom.js";

const lines = byId("lines");
const NEAR = "800px 0px 0px 0px";
let loading = null;

const first = () => lines.querySelector(".line");

/** Put `rows` in place of the link to them, holding what is in view where it stands. */
function insert(rows) {
  const anchor = first();
  const before = anchor?.getBoundingClientRect().top;
  byId("earlier").replaceWith(...rows);
  const moved = anchor ? anchor.getBoundingClientRect().top - before : 0;
  if (Math.abs(moved) > 1) scrollBy({ top: moved, behavior: "instant" });
  watch();
  byId("session").dispatchEvent(new CustomEvent("grown"));
}

async function fetchRows(query) {
  const link = byId("earlier").querySelector("a");
  const answer = await fetch(`${new URL(link.href)}${query}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  insert([...parsed.body.children].map((row) => document.adoptNode(row)));
}

/** Load the rows before the first, a page of them or all from where `query` says; false when there are none. */
async function load(query = "") {
  if (loading) await loading.catch(() => {});
  if (!byId("earlier")) return false;
  loading = fetchRows(query);
  try {
    await loading;
    return true;
  } catch {
    return false;
  } finally {
    loading = null;
  }
}

const observer = new IntersectionObserver(
  (entries) => entries.some((entry) => entry.isIntersecting) && !loading && load(),
  { rootMargin: NEAR },
);

function watch() {
  observer.disconnect();
  const place = byId("earlier");
  if (place) observer.observe(place);
}

/** The row of segment `index`, loaded if need be. */
export async function rowOf(index) {
  const found = () => byId(`seg-${index}`);
  while (!found() && (await load(`&from=${index}`)));
  return found();
}

/** The row that is spoken at `ms`, loaded if need be; the first one for a time before it. */
export async function rowAt(ms) {
  while (first() && Number(first().dataset.start) > ms && (await load(`&at=${Math.floor(ms)}`)));
  const rows = [...lines.querySelectorAll(".line")];
  return rows.findLast((row) => Number(row.dataset.start) <= ms) ?? rows[0] ?? null;
}

lines.addEventListener("click", (event) => {
  if (!event.target.closest("#earlier a")) return;
  event.preventDefault();
  load();
});

// Not at once: the page is at its end first, and what is above it would be in view for a moment.
requestAnimationFrame(() => requestAnimationFrame(watch));
