// The board: cards change where they stand, and glide to their new place when their state moves them.
import { byId, clock, config, lookKey, moment, reader, say, setIcon, setPill, setText, slot, span } from "./dom.js";
import { Live } from "./live.js";
import { showLink } from "./shell.js";

const NIL = "00000000-0000-0000-0000-000000000000";
const QUIET_MS = 30000;
const TICK_MS = 5000;
const GLIDE = { duration: 260, easing: "cubic-bezier(0.2, 0, 0, 1)" };
const settings = config("board-config");
const cards = byId("cards");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const seconds = new Intl.NumberFormat(reader, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(reader, { maximumFractionDigits: 0 });
/** The server's clock minus this one's. */
const skew = Date.parse(settings.now) - Date.now();
const known = new Map();
const find = (id) => cards.querySelector(`[data-card="${CSS.escape(id)}"]`);
const isLive = (data) => data.live && data.state === "running";

function make(id) {
  const card = byId("card-template").content.firstElementChild.cloneNode(true);
  card.dataset.card = id;
  for (const element of card.querySelectorAll("[href],[action],[hx-post]")) {
    for (const name of ["href", "action", "hx-post"]) {
      const value = element.getAttribute(name);
      if (value?.includes(NIL)) element.setAttribute(name, value.replace(NIL, id));
    }
  }
  return card;
}

function fill(card, data) {
  const problem = settings.problems.includes(data.state) && Boolean(data.message);
  const hint = settings.looks[lookKey(data.state, data.live, data.phase)]?.hint;
  Object.assign(card.dataset, { seq: data.seq, state: data.state, created: data.created_at, live: isLive(data) ? "1" : "" });
  setPill(card, settings.looks, data.state, data.live, data.phase);
  slot(card, "title").textContent = data.title;
  setText(slot(card, "last_text"), problem ? "" : data.last_text);
  setText(slot(card, "hint"), problem || data.last_text ? "" : hint);
  slot(card, "problem").hidden = !problem;
  setText(slot(card, "message"), settings.said[data.message] ?? data.message);
  setText(slot(card, "next_step"), settings.said[data.next_step] ?? data.next_step);
  const offline = slot(card, "offline");
  if (offline) offline.hidden = !data.offline_way;
  const again = slot(card, "retry_word");
  if (again) again.textContent = say(data.phase === "rested" ? "resume" : "retry");
  const heard = [data.heard_ms, data.duration_ms].filter(Boolean).map(clock).join(" / ");
  slot(card, "time").textContent = data.duration_ms && !data.heard_ms ? `${clock(0)} / ${heard}` : heard;
  setText(slot(card, "behind"), data.delay_ms === null ? "" : say("behind", seconds.format(data.delay_ms / 1000)));
  setIcon(slot(card, "kind"), settings.kinds[data.kind] ?? "file");
  setText(slot(card, "owner"), data.owner);
  const created = slot(card, "created");
  created.dateTime = data.created_at;
  created.textContent = moment(data.created_at);
  drawStrip(slot(card, "strip"), data);
  showQuiet(card, data);
}

function bar(start, width) {
  const wide = width > 0 ? Math.max(width * 1000, 2).toFixed(1) : 0;
  return wide ? `M${(start * 1000).toFixed(1)} 0h${wide}v4h-${wide}z` : "";
}

function drawStrip(strip, data) {
  const total = Math.max(data.duration_ms, data.heard_ms, ...data.gaps.map(([, end]) => end), 1);
  const busy = settings.busy.includes(data.state);
  strip.toggleAttribute("hidden", !(data.heard_ms || data.duration_ms) || !(busy || data.gaps.length));
  const layers = { settled: [[0, data.heard_ms]], gaps: data.gaps };
  for (const [name, spans] of Object.entries(layers)) {
    const shapes = spans.map(([start, end]) => bar(start / total, (end - start) / total));
    strip.querySelector(`[data-layer=${name}]`).setAttribute("d", shapes.join(""));
  }
  const heard = clock(data.heard_ms);
  const words = [data.duration_ms ? say("stripOf", heard).replace("%n", clock(data.duration_ms)) : say("stripHeard", heard)];
  if (data.gap_ms) words.push(say("stripLost", span(data.gap_ms)));
  strip.setAttribute("aria-label", words.join(", "));
}

/** A stream in which nobody speaks is not in trouble; it is said quietly. */
function showQuiet(card, data) {
  const silent = isLive(data) && data.settled_at ? Date.now() + skew - Date.parse(data.settled_at) : 0;
  setText(slot(card, "quiet"), silent > QUIET_MS ? say("quiet", whole.format(silent / 1000)) : "");
}

/** Live first, then what needs a person, then the newest: the order of the server. */
function comesBefore(one, other) {
  const rank = ({ dataset }) => (dataset.live ? -1 : settings.order.indexOf(dataset.state));
  return rank(one) - rank(other) || other.dataset.created.localeCompare(one.dataset.created);
}

function place(card) {
  const next = [...cards.children].find((other) => other !== card && comesBefore(card, other) < 0) ?? null;
  if (card.nextElementSibling !== next || !card.isConnected) cards.insertBefore(card, next);
}

/** Do what changes the order; everything that it moves glides there from where it was, and the focus stays. */
function glide(change) {
  const focused = cards.contains(document.activeElement) ? document.activeElement : null;
  const before = new Map([...cards.children].map((card) => [card, card.getBoundingClientRect()]));
  change();
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  if (calm.matches || document.hidden) return;
  for (const [card, was] of before) {
    if (!card.isConnected) continue;
    const is = card.getBoundingClientRect();
    const [x, y] = [was.left - is.left, was.top - is.top];
    if (x || y) card.animate({ transform: [`translate(${x}px, ${y}px)`, "none"] }, GLIDE);
  }
}

function remove(id) {
  known.delete(id);
  const card = find(id);
  if (card) glide(() => card.remove());
}

function update(data) {
  let card = find(data.id);
  if (card && Number(card.dataset.seq) > data.seq) return;
  if (settings.kept && !settings.kept.includes(data.state)) return remove(data.id);
  known.set(data.id, data);
  const moved = card?.dataset.state !== data.state || Boolean(card.dataset.live) !== isLive(data);
  const isNew = !card;
  card ??= make(data.id);
  if (moved) glide(() => [fill(card, data), place(card)]);
  else fill(card, data);
  if (isNew) window.htmx?.process(card);
}

function showWatching(counts) {
  for (const [id, count] of Object.entries(counts)) {
    const place = find(id) && slot(find(id), "watchers");
    if (!place) continue;
    place.hidden = !count;
    slot(place, "watching").textContent = whole.format(count);
  }
}

/** The numbers in the filters, where this page has all cards to count. */
function count() {
  byId("none")?.toggleAttribute("hidden", cards.childElementCount > 0);
  if (settings.kept) return;
  const states = [...cards.children].map((card) => card.dataset.state);
  for (const [name, kept] of Object.entries(settings.filters)) {
    const place = document.querySelector(`[data-filter=${name}] span`);
    if (place) place.textContent = whole.format(states.filter((state) => kept.includes(state)).length);
  }
  const all = document.querySelector("[data-filter=all] span");
  if (all) all.textContent = whole.format(states.length);
}

new Live(byId("board").dataset.socket, {
  numbered: false,
  onMessage({ type, data }) {
    if (type === "card") update(data);
    else if (type === "card_gone") remove(data.id);
    else if (type === "watching") showWatching(data);
    if (type !== "watching") count();
  },
  onState: showLink,
});
setInterval(() => {
  for (const [id, data] of known) if (find(id)) showQuiet(find(id), data);
}, TICK_MS);
