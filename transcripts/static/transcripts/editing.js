// Who types where: told by the socket, shown on the row, forgotten when it is not said again.
import { byId, config, say, slot } from "./dom.js";
import { marksOf } from "./passage.js";

const page = byId("session");
const { person } = config("session-config");
/** Segment -> who types there, and the timer that forgets it. */
const others = new Map();

function show(segment) {
  const row = byId(`seg-${segment}`);
  const other = others.get(segment);
  if (!row || (!other && !slot(row, "who"))) return;
  const place = slot(marksOf(row), "who");
  place.textContent = other ? say("editing", other.by) : "";
  place.hidden = !other;
  row.classList.toggle("taken", Boolean(other));
}

function forget(segment) {
  clearTimeout(others.get(segment)?.timer);
  others.delete(segment);
  show(segment);
}

page.addEventListener("message", ({ detail: { type, data } }) => {
  if (type === "commit" || type === "revise") return show(data.segment);
  if (type !== "editing") return;
  forget(data.segment);
  if (data.person === person || data.seconds <= 0) return;
  others.set(data.segment, { by: data.by, timer: setTimeout(() => forget(data.segment), data.seconds * 1000) });
  show(data.segment);
});
page.addEventListener("grown", () => {
  for (const segment of others.keys()) show(segment);
});
