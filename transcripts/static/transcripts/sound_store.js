// Sound that the server does not have yet, in this browser's database: it outlasts a reload, a crash and a flat battery.
// A record is a run of bytes at its position in the recording; what the server has is deleted.

const NAME = "sound";
const SAVE_MS = 1000;
/** What nobody came back for is forgotten. */
const FORGET_MS = 7 * 86_400_000;

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function opened() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(NAME, { keyPath: ["path", "at"] });
  return done(request);
}

export class SoundStore {
  #database = null;
  #waiting = [];
  #at = 0;
  #timer = 0;

  /** `path` names the recording. Without a database (some private windows) everything here does nothing. */
  constructor(path) {
    this.path = path;
    addEventListener("pagehide", () => this.#save());
  }

  /** What an earlier page left: `{ at, pieces }`, one unbroken run, or null. */
  async load() {
    try {
      this.#database = await opened();
      const records = await done(this.#objects("readonly").getAll());
      for (const { path, at, when } of records) if (Date.now() - when > FORGET_MS) this.#objects().delete([path, at]);
      const mine = records.filter(({ path }) => path === this.path);
      return mine.length ? this.#run(mine) : null;
    } catch {
      this.#database = null;
      return null;
    }
  }

  #run(records) {
    const pieces = [];
    let end = records[0].at;
    for (const { at, bytes } of records) {
      if (at > end) break;
      pieces.push(bytes.subarray(Math.min(end - at, bytes.length)));
      end = Math.max(end, at + bytes.length);
    }
    return { at: records[0].at, pieces: pieces.filter(({ length }) => length) };
  }

  /** `bytes` stand at `at`; they are written down about a second later, unless the server has them by then. */
  keep(at, bytes) {
    if (!this.#waiting.length) this.#at = at;
    this.#waiting.push(bytes);
    this.#timer ||= setTimeout(() => this.#save(), SAVE_MS);
  }

  /** The server has everything before `upTo`. */
  forget(upTo) {
    while (this.#waiting.length && this.#at + this.#waiting[0].length <= upTo) this.#at += this.#waiting.shift().length;
    if (!this.#database || upTo <= 0) return; // a range of nothing is an error
    try {
      const objects = this.#objects();
      // All but the record in whose middle the server stands.
      const before = IDBKeyRange.bound([this.path, 0], [this.path, upTo], false, true);
      objects.openCursor(before).onsuccess = ({ target: { result: cursor } }) => {
        if (!cursor) return;
        if (cursor.value.at + cursor.value.bytes.length <= upTo) cursor.delete();
        cursor.continue();
      };
    } catch {
      this.#database = null;
    }
  }

  #save() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const pieces = this.#waiting.splice(0);
    if (!pieces.length || !this.#database) return;
    const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let end = 0;
    for (const piece of pieces) {
      bytes.set(piece, end);
      end += piece.length;
    }
    try {
      this.#objects().put({ path: this.path, at: this.#at, bytes, when: Date.now() });
    } catch {
      this.#database = null; // a full disk: it is in memory still
    }
  }

  #objects(mode = "readwrite") {
    return this.#database.transaction(NAME, mode).objectStore(NAME);
  }
}
