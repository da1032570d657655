// What is the matter: every condition that a session can be in, in one table, shown by one component. The table's order
// is the order of urgency: of several conditions with the same place the first one is seen.
import { announce, byId, setIcon, setText, slot } from "./dom.js";

const TABLE = {
  // Between this browser and the server.
  gone: { place: "banner", tone: "bad" },
  login: { place: "banner", tone: "bad" },
  offline: { place: "banner", tone: "warn" },
  reconnecting: { place: "banner", tone: "warn" },
  connecting: { place: "banner", tone: "quiet" },
  "caught-up": { place: "banner", tone: "good" },
  // Between the server and the engine.
  retrying: { place: "pill", tone: "warn", icon: "retry" },
  // Between the server and a live source.
  away: { place: "pill", tone: "warn", icon: "retry" },
  // What is known about the text to come.
  finishing: { place: "tail", tone: "quiet" },
  waiting: { place: "tail", tone: "warn" },
  lagging: { place: "tail", tone: "warn" },
  quiet: { place: "tail", tone: "quiet" },
};
/** Said to those who do not see the page as well; the others change too often. */
const SPOKEN = new Set(["banner", "pill"]);

export class Conditions {
  #root = byId("session");
  #active = new Map();
  #timers = new Map();
  #shown = {};

  /** `plainPill()` puts the pill back to what the state alone says. */
  constructor(plainPill) {
    this.plainPill = plainPill;
  }

  /** `text` for a condition, perhaps only `after` ms, perhaps only for `lasting` ms. */
  show(name, text, { after = 0, lasting = 0 } = {}) {
    clearTimeout(this.#timers.get(name));
    if (after) {
      this.#timers.set(name, setTimeout(() => this.show(name, text, { lasting }), after));
      return;
    }
    this.#active.set(name, text);
    if (lasting) this.#timers.set(name, setTimeout(() => this.clear(name), lasting));
    this.#render();
  }

  clear(...names) {
    for (const name of names) {
      clearTimeout(this.#timers.get(name));
      this.#active.delete(name);
    }
    this.#render();
  }

  /** What the state alone says has changed: put it where no condition says more. */
  repill() {
    if (![...this.#active.keys()].some((name) => TABLE[name].place === "pill")) this.plainPill();
  }

  /** Shown with a text, cleared without. */
  set(name, text) {
    if (text) this.show(name, text);
    else if (this.#active.has(name)) this.clear(name);
  }

  #render() {
    const order = Object.keys(TABLE).filter((name) => this.#active.has(name));
    this.#root.dataset.conditions = order.join(" ");
    for (const place of ["banner", "pill", "tail"]) {
      const name = order.find((each) => TABLE[each].place === place);
      const text = name ? this.#active.get(name) : "";
      if (this.#shown[place] === `${name} ${text}`) continue;
      this.#shown[place] = `${name} ${text}`;
      this[`_${place}`](text, TABLE[name] ?? {});
      if (text && SPOKEN.has(place)) announce(text);
    }
  }

  _banner(text, { tone }) {
    byId("banner").dataset.tone = tone ?? "quiet";
    setText(byId("banner"), text);
  }

  _tail(text, { tone }) {
    byId("tail").dataset.tone = tone ?? "quiet";
    setText(byId("tail"), text);
  }

  _pill(text, { tone, icon }) {
    if (!text) return this.plainPill();
    const pill = this.#root.querySelector("[data-pill]");
    pill.dataset.tone = tone;
    setIcon(pill, icon);
    slot(pill, "word").textContent = text;
  }
}
