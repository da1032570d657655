// Sends sound so that none is lost: everything is kept until the server says that it is safe, and goes on from there on
// another connection, also of another page of this browser. Positions are bytes from the beginning of the recording.
import { SoundStore } from "./sound_store.js";

/** Half an hour: more is not kept, and nothing more is recorded until there is room. */
const MOST_KEPT = 30 * 60 * 32_000;
const PIECE = 32768;
const MOST_WAITING = 262144;
const FIRST_DELAY = 500;
const LAST_DELAY = 8000;
/** The server's close codes after which coming back makes no sense. */
const FINAL = [4401, 4403, 4404, 4410, 4413, 4415];

export class SoundLink {
  #socket = null;
  #kept = [];
  /** The server has everything before `safe`, was sent everything before `sent`, and we have everything to `end`. */
  #safe = -1;
  #sent = 0;
  #end = 0;
  #maySend = 0;
  #attempt = 0;
  #timer = 0;
  #open = false;
  #done = false;
  #stopping = false;
  #stopSent = false;
  /** What an earlier page left begins here, and so many bytes of it are the first of #kept; null: nothing. */
  #left = null;

  /** `onState(name, detail)`: connecting, ready, away, full, refused, taken, ended. `onProgress()` after every step. */
  constructor(path, { onState, onProgress }) {
    Object.assign(this, { path, onState, onProgress, store: new SoundStore(path) });
    addEventListener("online", () => this.#now());
    addEventListener("offline", () => this.#socket?.close());
    this.#begun();
  }

  async #begun() {
    const found = await this.store.load();
    if (found) {
      const bytes = found.pieces.reduce((sum, { length }) => sum + length, 0);
      this.#left = { at: found.at, bytes };
      this.#kept.unshift(...found.pieces);
      this.#end += bytes;
      this.onProgress();
    }
    this.#connect();
  }

  /** Bytes that the server does not have for sure. */
  get unsafe() {
    return this.#end - Math.max(this.#safe, 0);
  }

  get ready() {
    return this.#open;
  }

  /** What the server does not have, in order. */
  get rest() {
    return [...this.#kept];
  }

  push(buffer) {
    if (this.#done || !buffer.byteLength) return;
    const bytes = new Uint8Array(buffer);
    if (this.#safe >= 0) this.store.keep(this.#end, bytes);
    this.#kept.push(bytes);
    this.#end += bytes.length;
    this.#pump();
    if (this.unsafe >= MOST_KEPT) this.onState("full");
  }

  /** It was saved elsewhere, or is not wanted. */
  drop() {
    this.#kept = [];
    this.#safe = Math.max(this.#safe, this.#end);
    this.store.forget(Number.MAX_SAFE_INTEGER);
    this.onProgress();
  }

  tell(type) {
    if (this.#open && this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type }));
  }

  /** Send the rest, also when the network is away now, then end. */
  stop() {
    this.#stopping = true;
    this.#pump();
  }

  #connect() {
    if (this.#done || this.#socket) return;
    if (!navigator.onLine) return this.onState("away");
    const url = new URL(this.path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.onState(this.#attempt ? "away" : "connecting");
    // Nothing of the log is needed here: the page has a socket of its own for it.
    socket.onopen = () => socket.send(JSON.stringify({ type: "resume", after: Number.MAX_SAFE_INTEGER, take_over: true }));
    socket.onmessage = (event) => socket === this.#socket && this.#read(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
  }

  #read(message) {
    const { type } = message;
    if (type === "ready") this.#begin(message);
    else if (type === "ack") this.#acknowledged(message);
    else if (type === "slow") this.#maySend = message.may_send;
    else if (type === "error") this.#refused(message);
    else if (type === "stopped" || type === "ended") {
      this.#forget(message.received ?? 0);
      this.#finish("ended");
    }
  }

  #begin({ resume_from: from, may_send: maySend }) {
    if (this.#safe < 0) this.#place(from);
    this.#forget(from);
    this.#sent = Math.max(from, this.#safe);
    this.#maySend = maySend;
    this.#attempt = 0;
    this.#open = true;
    this.#stopSent = false;
    this.onState("ready");
    this.#pump();
  }

  /** Now it is known where what this page has belongs: behind what was said before it was opened. */
  #place(from) {
    let at = from;
    // What an earlier page left, unless the server has all of it already.
    if (this.#left && this.#left.at + this.#left.bytes <= from) {
      for (let bytes = this.#left.bytes; bytes > 0; ) bytes -= this.#kept.shift().length;
      this.#end -= this.#left.bytes;
    } else if (this.#left) at = Math.min(this.#left.at, from);
    this.#safe = at;
    this.#end += at;
    for (const piece of this.#kept) {
      this.store.keep(at, piece);
      at += piece.length;
    }
  }

  #acknowledged({ received, may_send: maySend }) {
    this.#forget(received);
    this.#maySend = maySend;
    this.#pump();
  }

  #forget(upTo) {
    while (this.#kept.length && this.#safe < upTo) {
      const first = this.#kept[0];
      const more = Math.min(upTo - this.#safe, first.length);
      if (more === first.length) this.#kept.shift();
      else this.#kept[0] = first.subarray(more);
      this.#safe += more;
    }
    this.#safe = Math.max(this.#safe, Math.min(upTo, this.#end));
    this.store.forget(this.#safe);
  }

  #pump() {
    // One that is closing says so only later, and swallows what it is given.
    const flows = this.#open && this.#socket.readyState === WebSocket.OPEN;
    while (flows && this.#sent < Math.min(this.#end, this.#maySend) && this.#socket.bufferedAmount < MOST_WAITING) {
      const piece = this.#at(this.#sent);
      this.#socket.send(piece);
      this.#sent += piece.length;
    }
    if (flows && this.#stopping && !this.#stopSent && this.#sent === this.#end) {
      this.#stopSent = true;
      this.tell("stop");
    }
    this.onProgress();
  }

  #at(position) {
    let before = this.#safe;
    for (const piece of this.#kept) {
      if (position < before + piece.length) return piece.subarray(position - before, position - before + PIECE);
      before += piece.length;
    }
    throw new RangeError("this was never said");
  }

  #closed(code) {
    this.#socket = null;
    this.#open = false;
    if (FINAL.includes(code)) this.#finish(code === 4410 ? "ended" : "refused");
    else if (!this.#done) this.#later();
  }

  #refused({ code, message, next_step: nextStep }) {
    if (code === "stream_taken") this.#finish("taken");
    else if (code !== "stream_busy" && code !== "disk_full") this.#finish("refused", `${message} ${nextStep}`.trim());
  }

  #finish(state, detail) {
    if (this.#done) return;
    this.#done = true;
    this.#open = false;
    clearTimeout(this.#timer);
    this.onState(state, detail);
    this.#socket?.close();
  }

  #later() {
    this.onState("away");
    clearTimeout(this.#timer);
    const delay = Math.min(FIRST_DELAY * 2 ** this.#attempt, LAST_DELAY);
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.#connect(), delay * (0.5 + Math.random() / 2));
  }

  #now() {
    clearTimeout(this.#timer);
    this.#attempt = Math.min(this.#attempt, 1);
    this.#connect();
  }
}
