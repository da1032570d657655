// How far behind live the text is, or how fast a file goes: only from what this page has seen itself.
import { byId, clock, reader, say, setText } from "./dom.js";

const LAGGING_S = 8;
const QUIET_S = 30;
const WATCHED_MS = 5000;
const KNOWN_SHARE = 0.05;

const seconds = new Intl.NumberFormat(reader, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(reader, { maximumFractionDigits: 0 });
const percent = new Intl.NumberFormat(reader, { style: "percent" });

export class Pace {
  #place = byId("pace");
  /** Wall clock minus position of the newest sound, at its least: how the live edge moves. */
  #edge = Infinity;
  #behind = null;
  #spoken = null;
  #first = null;
  #last = null;

  /** `tell(name, text)` shows the conditions quiet and lagging, or takes them away. */
  constructor({ live, duration_ms: duration, running, tell }) {
    Object.assign(this, { live, duration, running, tell });
    setInterval(() => this.#show(), 1000);
  }

  learn({ live, duration_ms: duration }) {
    this.live = live;
    this.duration = Math.max(this.duration, duration ?? 0);
    this.#show();
  }

  setRunning(yes) {
    if (yes !== this.running) Object.assign(this, { running: yes });
    if (!yes) this.#forget();
    this.#show();
  }

  /** The connection was away: what was measured says nothing about now. */
  lost() {
    this.#forget();
    this.#show();
  }

  /** Sound up to `ms` was sent; `text` is the guess for what is open. */
  heard(ms, text) {
    const now = performance.now();
    this.#edge = Math.min(this.#edge, now - ms);
    this.#first ??= { now, ms };
    this.#last = { now, ms };
    if (text || this.#spoken === null) this.#spoken = ms;
  }

  /** Text up to `ms` settled; `fresh` when it came as it happened, not from the log. */
  settled(ms, fresh) {
    this.#spoken = Math.max(this.#spoken ?? 0, ms);
    if (fresh && this.#edge < Infinity) this.#behind = Math.max(performance.now() - this.#edge - ms, 0) / 1000;
    if (fresh && !this.live) this.heard(ms, true);
    this.#show();
  }

  #forget() {
    this.#edge = Infinity;
    this.#behind = this.#spoken = this.#first = this.#last = null;
  }

  #show() {
    const text = !this.running ? "" : this.live ? this.#delay() : this.#progress();
    setText(this.#place, text);
    const lagging = this.running && this.live && this.#behind > LAGGING_S;
    this.#place.dataset.tone = lagging ? "warn" : "quiet";
    this.tell("lagging", lagging ? say("lagging") : "");
    const silent = this.running && this.live && this.#last ? (this.#last.ms - this.#spoken) / 1000 : 0;
    this.tell("quiet", silent > QUIET_S ? say("quiet", whole.format(silent)) : "");
  }

  #delay() {
    return this.#behind === null ? "" : say("behind", seconds.format(this.#behind));
  }

  #progress() {
    if (!this.duration || !this.#last) return "";
    const share = Math.min(this.#last.ms / this.duration, 1);
    const watched = this.#last.now - this.#first.now;
    const words = [percent.format(share)];
    if (watched > WATCHED_MS && share > KNOWN_SHARE) {
      const speed = (this.#last.ms - this.#first.ms) / watched;
      if (speed > 0) {
        words.push(`${seconds.format(speed)}×`);
        words.push(say("left", clock((this.duration - this.#last.ms) / speed)));
      }
    }
    return words.join(" · ");
  }
}
