// A live source that is away: the pill says at which try it is, and a row under the text stays open until it is known what
// was lost.
import { byId, moment, say, setText } from "./dom.js";
import { isDetached } from "./paging.js";

/** A worker says every 5 s that the source is still away. */
const EXPIRES_MS = 15000;

export class Away {
  #row = byId("open-gap");
  #since = null;
  #timer = 0;

  constructor(conditions) {
    this.conditions = conditions;
  }

  /** How the source is doing now. */
  passing({ state, seconds, attempt, attempts }) {
    if (state !== "reconnecting") return this.back();
    this.#since ??= Date.now() - 1000 * seconds;
    this.#show(attempts ? `${attempt}/${attempts}` : attempt);
  }

  /** What the log says of it. */
  stored({ at, data }) {
    if (data.code === "source_dropped") {
      this.#since = Date.parse(at);
      this.#show();
    } else if (data.code !== "now_playing") this.back();
  }

  #show(tries) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.back(), EXPIRES_MS);
    this.conditions.show("away", tries ? say("retrying", tries) : say("away"));
    if (!isDetached()) setText(this.#row, say("awaySince", moment(new Date(this.#since), "time")));
  }

  /** The row of what was lost is there. */
  close() {
    this.#row.hidden = true;
  }

  back() {
    clearTimeout(this.#timer);
    this.#since = null;
    this.conditions.clear("away");
    this.close();
  }
}
