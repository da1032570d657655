// Keeps the newest text in view while the reader wants it. Only a gesture of the reader leaves; only the bottom of the
// page, or the pill, comes back.
import { byId, say, slot } from "./dom.js";
import { isDetached, toEnd } from "./paging.js";

const NEAR = 24;
const LEFT = 80;
const GESTURE_MS = 1500;
const FRAMES = 10;
const SCROLL_KEYS = new Set(["PageUp", "PageDown", "ArrowUp", "ArrowDown", "Home", "End", " ", "Tab"]);

export class Follow {
  #pill = byId("follow");
  #gesture = 0;
  #unread = 0;
  #running = false;
  #drawing = 0;

  /** `running`: text may still come; `away`: the page opens at another place. */
  constructor({ running, away }) {
    this.following = running && !away;
    for (const name of ["wheel", "touchmove", "pointerdown"]) {
      addEventListener(name, () => this.#touched(), { passive: true });
    }
    addEventListener("keydown", (event) => SCROLL_KEYS.has(event.key) && this.#touched());
    addEventListener("scroll", () => this.#scrolled(), { passive: true });
    document.addEventListener("selectionchange", () => this.#selected());
    this.#pill.addEventListener("click", () => this.resume());
    this.running(running);
  }

  /** Whether new text may still come. */
  running(yes) {
    this.#running = yes;
    this.#show();
  }

  /** New text is in the page: `lines` of them were committed. */
  grown(lines) {
    if (!this.following) this.#unread += lines;
    // Once a frame: after a reconnect hundreds of lines come at once, and each look at the layout costs one.
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      if (this.following) this.#toBottom();
      this.#show();
    });
  }

  leave() {
    if (!this.following) return;
    this.following = false;
    this.#show();
  }

  /** To the newest text, which may have to be loaded. */
  async resume() {
    if (isDetached()) await toEnd();
    if (isDetached()) return;
    this.following = true;
    this.#unread = 0;
    // The click on the pill, or the wheel that came down here, is no gesture that leaves.
    this.#gesture = -GESTURE_MS;
    this.#toBottom();
    this.#settle(FRAMES);
    this.#show();
  }

  /** Rows get their real heights when they come into view: only then the end is where it stays. */
  #settle(frames) {
    requestAnimationFrame(() => {
      if (!frames || !this.following) return;
      if (this.#distance() > 1) this.#toBottom();
      this.#settle(frames - 1);
    });
  }

  #touched() {
    this.#gesture = performance.now();
  }

  #distance() {
    const page = document.scrollingElement;
    return page.scrollHeight - page.scrollTop - innerHeight;
  }

  #scrolled() {
    const distance = this.#distance();
    if (!this.following && distance < NEAR && this.#running && !isDetached()) this.resume();
    else if (this.following && distance > LEFT && performance.now() - this.#gesture < GESTURE_MS) this.leave();
  }

  #selected() {
    const selection = getSelection();
    if (!selection.isCollapsed && byId("lines").contains(selection.anchorNode)) this.leave();
  }

  #toBottom() {
    scrollTo({ top: document.scrollingElement.scrollHeight, behavior: "instant" });
  }

  #show() {
    const fits = document.scrollingElement.scrollHeight <= innerHeight;
    this.#pill.hidden = this.following ? fits || !this.#running : !this.#running && this.#unread === 0;
    this.#pill.dataset.following = String(this.following);
    const word = this.following ? say("follow") : this.#unread ? say("jumpN", this.#unread) : say("jump");
    slot(this.#pill, "word").textContent = word;
  }
}
