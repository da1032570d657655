// The bar of what was heard: settled speech, silence, what is on its way, and gaps; with its numbers in words.
import { byId, clock, say, setText, slot, span } from "./dom.js";

const STEPS = 600;
const PAUSE_MS = 1000;
const WIDTH = 1000;
const HEIGHT = 10;

function merged(spans, within) {
  const found = [];
  for (const [start, end] of spans) {
    const last = found.at(-1);
    if (last && start - last[1] < within) last[1] = Math.max(last[1], end);
    else found.push([start, end]);
  }
  return found;
}

const length = (spans) => spans.reduce((sum, [start, end]) => sum + end - start, 0);

export class Coverage {
  #bar = byId("coverage");
  #facts = byId("coverage-facts");
  #drawing = 0;

  /** `spoken` and `gaps` are lists of [start, end]; all in ms. */
  constructor({ spoken, gaps, settled_ms: settled, duration_ms: duration }) {
    Object.assign(this, { spoken, gaps, settled, duration, heard: settled, open: true });
    this.#draw();
  }

  get total() {
    return Math.max(this.duration, this.settled, this.heard, this.gaps.at(-1)?.[1] ?? 0);
  }

  commit(start, end, hasText) {
    if (hasText) this.spoken = merged([...this.spoken, [start, end]], PAUSE_MS);
    this.settled = Math.max(this.settled, end);
    this.#soon();
  }

  gap(start, end) {
    this.gaps.push([start, end]);
    this.settled = Math.max(this.settled, end);
    this.#soon();
  }

  /** The last ms that the engine was sent. */
  reached(heard) {
    this.heard = Math.max(this.heard, heard);
    this.#soon();
  }

  /** Facts that were not known when the page was made. */
  learn({ duration_ms: duration, heard_ms: settled }) {
    this.duration = Math.max(this.duration, duration ?? 0);
    this.settled = Math.max(this.settled, settled ?? 0);
    this.#soon();
  }

  /** Nothing is on its way any more. */
  close() {
    this.open = false;
    this.#soon();
  }

  #soon() {
    this.#drawing ||= setTimeout(() => this.#draw(), 250);
  }

  #draw() {
    this.#drawing = 0;
    const total = this.total;
    this.#bar.toggleAttribute("hidden", !total);
    if (!total) return;
    const page = byId("session");
    page.dataset.total = total;
    page.dispatchEvent(new Event("covered"));
    const flying = this.open ? [[this.settled, this.heard]] : [];
    this.spoken = merged(this.spoken, Math.max(PAUSE_MS, total / STEPS));
    const layers = { silence: [[0, this.settled]], flying, spoken: this.spoken, gaps: this.gaps };
    for (const [name, spans] of Object.entries(layers)) {
      const shapes = spans.map(([start, end]) => this.#shape(start / total, Math.max((end - start) / total, 0)));
      this.#bar.querySelector(`[data-layer="${name}"]`).setAttribute("d", shapes.join(""));
    }
    this.#describe(total);
  }

  #shape(from, width) {
    const wide = Math.max(width * WIDTH, width > 0 ? 1 : 0).toFixed(1);
    return `M${(from * WIDTH).toFixed(1)} 0h${wide}v${HEIGHT}h-${wide}z`;
  }

  #describe(total) {
    const lost = length(this.gaps);
    const silence = Math.max(this.settled - length(this.spoken) - lost, 0);
    const facts = {
      settled: this.duration ? `${clock(this.settled)} / ${clock(total)}` : clock(this.settled),
      flying: this.open && this.heard > this.settled ? span(this.heard - this.settled) : "",
      silence: silence >= 1000 ? span(silence) : "",
      lost: lost ? span(lost) : "",
    };
    const words = [];
    for (const [name, value] of Object.entries(facts)) {
      const place = slot(this.#facts, name);
      setText(place, value);
      place.parentElement.hidden = !value;
      if (value) words.push(`${place.previousElementSibling.textContent} ${value}`);
    }
    this.#bar.setAttribute("aria-label", `${say("coverage")}: ${words.join(", ")}`);
  }
}
