// The board: cards change where they stand and move when their state does.
import { byId, clock, config, moment, setIcon, setPill, setText, slot } from "./dom.js";
import { Live } from "./live.js";
import { showLink } from "./shell.js";

const NIL = "00000000-0000-0000-0000-000000000000";
const settings = config("board-config");
const cards = byId("cards");
const find = (id) => cards.querySelector(`[data-card="${CSS.escape(id)}"]`);

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
  const busy = settings.busy.includes(data.state);
  Object.assign(card.dataset, { seq: data.seq, state: data.state, created: data.created_at });
  setPill(card, settings.looks, data.state, data.live);
  slot(card, "title").textContent = data.title;
  setText(slot(card, "last_text"), problem ? "" : data.last_text);
  slot(card, "problem").hidden = !problem;
  setText(slot(card, "message"), data.message);
  setText(slot(card, "next_step"), data.next_step);
  const heard = [data.heard_ms, data.duration_ms].filter(Boolean).map(clock).join(" / ");
  slot(card, "time").textContent = data.duration_ms && !data.heard_ms ? `${clock(0)} / ${heard}` : heard;
  const progress = slot(card, "progress");
  progress.hidden = !(busy && data.duration_ms);
  progress.max = data.duration_ms || 1;
  progress.value = data.heard_ms;
  setIcon(slot(card, "kind"), settings.kinds[data.kind] ?? "file");
  const created = slot(card, "created");
  created.dateTime = data.created_at;
  created.textContent = moment(data.created_at);
}

/** Live first, then what needs a person, then the newest: the order of the server. */
function comesBefore(one, other) {
  const rank = (card) => settings.order.indexOf(card.dataset.state);
  return rank(one) - rank(other) || other.dataset.created.localeCompare(one.dataset.created);
}

function place(card) {
  const next = [...cards.children].find((other) => other !== card && comesBefore(card, other) < 0) ?? null;
  if (card.nextElementSibling !== next || !card.isConnected) cards.insertBefore(card, next);
}

function update(data) {
  let card = find(data.id);
  if (card && Number(card.dataset.seq) > data.seq) return;
  if (settings.kept && !settings.kept.includes(data.state)) return card?.remove();
  const moved = card?.dataset.state !== data.state;
  const isNew = !card;
  card ??= make(data.id);
  fill(card, data);
  if (moved) place(card);
  if (isNew) window.htmx?.process(card);
}

new Live(byId("board").dataset.socket, {
  numbered: false,
  onMessage(message) {
    if (message.type === "card") update(message.data);
    else if (message.type === "card_gone") find(message.data.id)?.remove();
  },
  onState: showLink,
});
