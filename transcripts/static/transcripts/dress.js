// Rows come as plain text. What a reader may do with one, and the marks of unsure words, are put in when it comes near.
import { byId } from "./dom.js";
import { marksOf, marksUnsure, rowsNow, writeText } from "./passage.js";

const NEAR = "1000px 0px";
const seen = new WeakSet();

/** The parts of a row that the page's own template has: the marks behind the text, the pencil. */
function complete(row) {
  marksOf(row);
  const pencil = byId("line-template").content.querySelector("[data-edit]");
  if (pencil && !row.querySelector("[data-edit]")) row.querySelector(".said").after(pencil.cloneNode(true));
}

/** Make a row all that it can be; nothing when it is already. */
export function dress(row) {
  near.unobserve(row);
  complete(row);
  if (row.marked) return;
  row.marked = true;
  if (marksUnsure()) writeText(row);
}

const near = new IntersectionObserver(
  (entries) => {
    const rows = entries.filter(({ isIntersecting }) => isIntersecting).map(({ target }) => target);
    rows.forEach(dress);
    if (rows.length) byId("session").dispatchEvent(new CustomEvent("dressed"));
  },
  { rootMargin: NEAR },
);

/** Look at the rows that are new. */
export function watchRows() {
  for (const row of rowsNow()) {
    if (seen.has(row)) continue;
    seen.add(row);
    near.observe(row);
  }
}
