// Corrections of others, and of this page, in rows that are there: nothing else moves.
import { byId } from "./dom.js";
import { rowsNow, setMarks } from "./passage.js";
import { fill, makeLine, showVoice } from "./rows.js";

const page = byId("session");
const lines = byId("lines");

/** What stands above the middle of the window stays where it is while `change` makes rows longer or shorter. */
function holding(change) {
  const anchor = [...lines.children].find((row) => row.getBoundingClientRect().bottom > innerHeight / 2);
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (!anchor?.isConnected) return;
  const moved = anchor.getBoundingClientRect().top - before;
  if (Math.abs(moved) > 1) scrollBy({ top: moved, behavior: "instant" });
}

function place(data) {
  const origin = byId(`seg-${data.after}`);
  if (!origin) return;
  const row = makeLine({ seq: origin.dataset.seq, data });
  origin.after(row);
  // Several cuts of one segment: each part by its time.
  while (row.nextElementSibling?.matches(".line") && Number(row.nextElementSibling.dataset.start) < data.start_ms) {
    row.nextElementSibling.after(row);
  }
}

function change(data) {
  const row = byId(`seg-${data.segment}`);
  if (!row) return data.after === undefined ? undefined : place(data);
  if (data.version === undefined) return setMarks(row, { checked: data.checked });
  // Saved by this page, or in the page when it was made.
  if (data.version > Number(row.dataset.version ?? 0)) fill(row, data);
}

/** A passage that was joined with another one; where somebody types in it, their text stays until they are done. */
function remove(row) {
  if (row?.querySelector(".editor")) row.dataset.gone = "1";
  else row?.remove();
}

/** Apply a segment as `revise` tells it; older news than what the page shows is left out. */
export function apply(data) {
  if (data.segment === undefined) return;
  holding(() => {
    change(data);
    for (const index of data.gone ?? []) remove(byId(`seg-${index}`));
    const row = byId(`seg-${data.segment}`);
    const at = rowsNow().indexOf(row);
    if (at >= 0) showVoice(row, rowsNow()[at - 1]);
    if (rowsNow()[at + 1]) showVoice(rowsNow()[at + 1], row);
  });
  page.dispatchEvent(new CustomEvent("grown"));
  page.dispatchEvent(new CustomEvent("revised", { detail: data }));
}
