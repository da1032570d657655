// One file on its way: announced, sent in parts with their hashes, and taken up again wherever the server stands.
import { csrfToken, say } from "./dom.js";
import { hex, sha256 } from "./sha256.js";

const SMALLEST_PART = 256 * 1024;
const STALL_MS = 30_000;
const FINISH_MS = 15 * 60_000;
const LONGEST_REST_MS = 30_000;
const PASSING = new Set([408, 425, 500, 502, 503, 504]);
const AGAIN = new Set(["upload_busy", "upload_offset", "upload_incomplete", "part_hash"]);

/** What the server said no to: `code`, a sentence in `message`, `errors` of the form's fields. */
export class Refusal extends Error {
  constructor(status, answer) {
    super([answer?.message, answer?.next_step].filter(Boolean).join(" ") || say(status === 403 ? "uploadLogin" : "failed"));
    Object.assign(this, { status, code: answer?.code ?? "", errors: answer?.errors, offset: answer?.offset });
  }
}

/** Ask the server; the answer's JSON. Throws Refusal, or Error when the network is gone or silent. */
export function ask(method, url, { body = null, headers = {}, patience = STALL_MS, progress = null, signal = null } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let watch = 0;
    const still = () => {
      clearTimeout(watch);
      watch = setTimeout(() => request.abort(), patience);
    };
    request.open(method, url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrfToken());
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      still();
      progress?.(event.loaded);
    });
    const abort = () => request.abort();
    request.addEventListener("loadend", () => {
      clearTimeout(watch);
      signal?.removeEventListener("abort", abort);
      let answer = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // A proxy's own page, or nothing at all.
      }
      if (!request.status || PASSING.has(request.status)) reject(new Error("network"));
      else if (request.status >= 400) reject(new Refusal(request.status, answer));
      else resolve(answer);
    });
    signal?.addEventListener("abort", abort, { once: true });
    still();
    request.send(body);
  });
}

const json = (data) => ({ body: JSON.stringify(data), headers: { "Content-Type": "application/json" } });

export class Sending {
  state = "waiting";
  sent = 0;
  /** Bytes a second, a moving mean; 0 while unknown. */
  speed = 0;
  message = "";
  errors = null;
  location = "";
  url = "";
  #stop = null;
  #wake = null;
  #digests = [];
  #part = 0;
  #block = 0;
  #tries = 0;
  #proved = false;
  /** The announcement while it is on its way: it is never cut off, or the server would keep what nobody knows of. */
  #asked = null;
  #cancelled = false;

  /** `announce` is the address for new uploads; `options()` gives the form's fields; `changed(this)` hears of news. */
  constructor(file, announce, options, changed) {
    Object.assign(this, { file, announce, options, changed });
  }

  get #memory() {
    return `upload:${this.announce}:${this.file.name}:${this.file.size}:${this.file.lastModified}`;
  }

  /** It was begun before: in this browser, or (`url`) as the server lists it. */
  recall(url = "") {
    this.url = localStorage.getItem(this.#memory) ?? url;
    return Boolean(this.url);
  }

  /** For another page of this browser; where nothing can be stored, the server's list has it still. */
  #remember() {
    try {
      localStorage.setItem(this.#memory, this.url);
    } catch {
      // Full.
    }
  }

  #set(state) {
    this.state = state;
    this.changed(this);
  }

  /** Send until it is done, paused or refused; a lost network is waited for. */
  async run() {
    if (["sending", "offline", "checking", "done"].includes(this.state)) return;
    const stop = (this.#stop = new AbortController());
    this.#tries = 0;
    while (!stop.signal.aborted) {
      try {
        this.#set("sending");
        await this.#pass(stop.signal);
        if (stop.signal.aborted) return;
        localStorage.removeItem(this.#memory);
        return this.#set("done");
      } catch (error) {
        if (stop.signal.aborted) return;
        if (this.#hopeless(error)) return;
      }
      this.speed = 0;
      this.#part = Math.max(this.#part / 2, SMALLEST_PART);
      if (this.#tries) this.#set("offline");
      await this.#rest();
    }
  }

  #hopeless(error) {
    if (!(error instanceof Refusal) || AGAIN.has(error.code)) return false;
    if (error.code === "upload_gone" || error.code === "upload_differs") {
      this.#forget();
      return this.#tries > 8;
    }
    if (error.code === "not_media" || error.code === "upload_changed") this.#forget();
    this.message = error.message;
    this.errors = error.errors ?? null;
    this.#set("failed");
    return true;
  }

  #forget() {
    localStorage.removeItem(this.#memory);
    Object.assign(this, { url: "", sent: 0 });
  }

  #rest() {
    const most = Math.min(500 * 2 ** this.#tries++, LONGEST_REST_MS);
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, most * (0.5 + Math.random() / 2));
    });
  }

  /** The network is back: do not wait any longer. */
  hurry() {
    this.#wake?.();
  }

  pause() {
    this.#stop?.abort();
    this.#wake?.();
    this.speed = 0;
    this.#set("paused");
  }

  /** Stop, and have the server forget it. */
  async cancel() {
    this.#cancelled = true;
    this.pause();
    const url = this.url || (await this.#asked?.catch(() => null))?.url;
    this.#forget();
    if (url) await ask("DELETE", url).catch(() => {});
  }

  #begin() {
    const about = { name: this.file.name, size: this.file.size, options: this.options() };
    this.#asked ??= ask("POST", this.announce, json(about)).finally(() => (this.#asked = null));
    return this.#asked;
  }

  async #pass(signal) {
    const about = this.url ? await ask("GET", this.url, { signal }) : await this.#begin();
    if (this.#cancelled) return;
    this.url = about.url;
    this.#block = about.part_bytes;
    this.#part ||= this.#block;
    this.#remember();
    signal.throwIfAborted();
    // The last block again: the server compares it, so that another file of the same name never goes on here.
    this.sent = this.#proved ? about.offset : Math.max(Math.ceil(about.offset / this.#block) - 1, 0) * this.#block;
    let first = this.#proved ? 0 : about.offset - this.sent;
    while (this.sent < this.file.size) {
      await this.#sendPart(signal, first);
      [this.#proved, this.#tries, first] = [true, 0, 0];
    }
    await this.#finish(signal);
  }

  async #sendPart(signal, exactly) {
    const [from, started] = [this.sent, performance.now()];
    const rest = this.#block - (from % this.#block);
    const bytes = await this.#read(from, exactly || Math.min(this.#part, rest));
    const digest = await sha256(bytes);
    if (from % this.#block === 0 && (bytes.byteLength === this.#block || from + bytes.byteLength === this.file.size))
      this.#digests[from / this.#block] = digest;
    const headers = { "Content-Type": "application/octet-stream", "X-Part-SHA256": hex(digest) };
    const progress = (loaded) => {
      this.sent = from + Math.min(loaded, bytes.byteLength);
      this.#measure(loaded, performance.now() - started);
    };
    const answer = await ask("PUT", `${this.url}?offset=${from}`, { body: bytes, headers, progress, signal });
    this.sent = answer.offset;
    this.#part = Math.min(this.#part * 2, this.#block);
    this.changed(this);
  }

  #measure(bytes, ms) {
    const now = (bytes / Math.max(ms, 1)) * 1000;
    this.speed = this.speed ? this.speed * 0.8 + now * 0.2 : now;
    this.changed(this);
  }

  async #read(from, length) {
    try {
      return await this.file.slice(from, Math.min(from + length, this.file.size)).arrayBuffer();
    } catch {
      throw new Refusal(0, { message: say("uploadUnreadable", this.file.name) });
    }
  }

  /** The proof of the whole: the hash of the hashes of its blocks. */
  async #finish(signal) {
    this.#set("checking");
    const count = Math.ceil(this.file.size / this.#block);
    const all = new Uint8Array(count * 32);
    for (let i = 0; i < count; i += 1) {
      this.#digests[i] ??= await sha256(await this.#read(i * this.#block, this.#block));
      all.set(this.#digests[i], i * 32);
    }
    const proof = { blocks_sha256: hex(await sha256(all.buffer)) };
    const answer = await ask("POST", `${this.url}/complete`, { ...json(proof), patience: FINISH_MS, signal });
    this.location = answer.location;
  }
}
