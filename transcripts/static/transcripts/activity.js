// The side panel grows with the session: what happened, and who watches.
import { announce, byId, config, moment, reader, say, setText } from "./dom.js";
import { makeGap } from "./rows.js";
import { sourceWords } from "./source_status.js";

const settings = config("session-config");
const log = byId("log");
/** Entries that the panel keeps; the page has all of them when it is loaded again. */
const MOST = 500;
const together = new Intl.ListFormat(reader, { type: "conjunction" });

export const reviewWord = (state) => say({ open: "reviewOpen", returned: "reviewReturned" }[state] ?? "reviewApproved");

const words = {
  state: ({ data }) => [settings.looks[data.state]?.word ?? data.state, data.message].filter(Boolean).join(": "),
  gap: (message) => makeGap(message).querySelector(".gap-text").textContent,
  session: ({ data }) => byId("strings").dataset.engineConnected + (data.connection ? ` (${data.connection})` : ""),
  source: ({ data }) => sourceWords(data),
  review: ({ data }) => [reviewWord(data.state), data.by, data.reason].filter(Boolean).join(" · "),
  revise({ data }) {
    if (data.title) return say("renamed", data.title);
    if (data.engine) return say("otherEngine", settings.engines[data.engine] ?? data.engine);
    const told = { shared: say("linkMade"), unshared: say("linkTaken") }[data.captions] ?? say("changed");
    return data.by ? `${told} (${data.by})` : told;
  },
};

/** One entry of the log, newest first; once, however often it comes. */
export function addToLog(message) {
  const { seq, at, type, data } = message;
  if (log.querySelector(`[data-seq="${seq}"]`)) return;
  const item = document.createElement("li");
  const time = document.createElement("time");
  const text = document.createElement("bdi");
  item.dataset.seq = seq;
  time.dateTime = at;
  time.textContent = moment(at, "time");
  text.textContent = words[type]?.(message) ?? data.message ?? data.code ?? type;
  item.append(time, " ", text);
  log.prepend(item);
  while (log.children.length > MOST) log.lastElementChild.remove();
}

/** Who watches; not a word in the status region, people come and go. */
export function showWatchers({ data: { people, count } }) {
  const more = count - people.length;
  const names = more > 0 ? [...people, say("more", more)] : people;
  setText(byId("watchers"), together.format(names));
  byId("watchers-head").hidden = !count;
}

/** The engine was changed: the facts say so, and it is not offered again. */
export function showEngine(name) {
  byId("engine").textContent = settings.engines[name] ?? name;
  for (const control of document.querySelectorAll('[data-control="switch"]')) control.remove();
  announce(say("otherEngine", settings.engines[name] ?? name));
}
