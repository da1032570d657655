// One socket a page: says the last number it has, gets what it lacks, then follows; comes back by itself.
//
// States told to `onState`: connecting, live, reconnecting, offline, and the final ones gone and login.

const FIRST_DELAY = 500;
const LAST_DELAY = 30000;
const HIDDEN_MS = 60000;
const SLEEP_MS = 20000;
const TICK_MS = 5000;
/** So long nothing came: is anybody there? And so long an answer may take before the connection counts as dead. */
const QUIET_MS = 45000;
const ANSWER_MS = 20000;
const NOT_LOGGED_IN = 4401;
const NOT_FOUND = 4404;

export class Live {
  #socket = null;
  #attempt = 0;
  #timer = 0;
  #hiddenTimer = 0;
  #asking = false;
  #ended = false;
  #opened = false;
  /** When anything came last, and since when an answer is awaited (0: none is). */
  #heardAt = 0;
  #askedAt = 0;

  /** `numbered`: messages carry `seq` and none may be missing; `presence`: tell who else watches. */
  constructor(path, { after = 0, numbered = true, presence = false, onMessage, onState }) {
    Object.assign(this, { path, last: after, numbered, presence, onMessage, onState });
    addEventListener("online", () => this.#now());
    addEventListener("offline", () => this.#drop("offline"));
    addEventListener("pagehide", () => this.#drop());
    addEventListener("pageshow", (event) => event.persisted && this.#now());
    document.addEventListener("visibilitychange", () => this.#visibility());
    this.#watch();
    this.#connect();
  }

  #tell(state, detail) {
    if (!this.#ended) this.onState(state, detail);
  }

  #connect() {
    if (this.#ended || this.#socket) return;
    if (!navigator.onLine) return this.#tell("offline");
    const url = new URL(this.path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#tell(this.#attempt || this.#opened ? "reconnecting" : "connecting");
    const socket = new WebSocket(url);
    let open = false;
    this.#socket = socket;
    this.#askedAt = Date.now();
    socket.onopen = () => {
      open = true;
      if (socket === this.#socket) this.#hello();
    };
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      this.#heardAt = Date.now();
      this.#askedAt = 0;
      this.#read(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#closed(event.code, open);
    };
  }

  #hello() {
    this.#asking = true;
    this.#askedAt = Date.now();
    this.#socket.send(JSON.stringify({ type: "hello", after: this.last, presence: this.presence || undefined }));
  }

  #read(message) {
    if (message.type === "caught_up") return this.#caughtUp(message.seq);
    if (this.numbered && message.seq !== undefined) {
      if (message.seq <= this.last) return;
      if (message.seq > this.last + 1) {
        // A hole: ask once; what comes before the answer is not in order.
        if (!this.#asking) this.#hello();
        return;
      }
      this.last = message.seq;
    }
    this.onMessage(message);
  }

  #caughtUp(seq) {
    this.#asking = false;
    // The server knows less than this page: the database is another one now.
    if (this.numbered && seq < this.last) return location.reload();
    const again = this.#opened;
    this.#attempt = 0;
    this.#opened = true;
    this.#tell("live", { again });
  }

  async #closed(code, opened) {
    if (code === NOT_LOGGED_IN) return this.#end("login");
    if (code === NOT_FOUND) return this.#end("gone");
    // A refusal before the handshake has no code in a browser: ask the page itself.
    if (!opened && navigator.onLine && (await this.#refused())) return;
    // Another one may have been opened meanwhile.
    if (!this.#socket) this.#later();
  }

  async #refused() {
    try {
      const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" });
      if (answer.type === "opaqueredirect") this.#end("login");
      else if (answer.status === 404) this.#end("gone");
    } catch {
      // The server is away: not a refusal.
    }
    return this.#ended;
  }

  #end(state) {
    this.#tell(state);
    this.#ended = true;
    this.#drop(state);
  }

  #later() {
    clearTimeout(this.#timer);
    if (document.hidden && this.#attempt > 3) return;
    const delay = Math.min(FIRST_DELAY * 2 ** this.#attempt, LAST_DELAY);
    this.#attempt += 1;
    this.#tell(navigator.onLine ? "reconnecting" : "offline");
    this.#timer = setTimeout(() => this.#connect(), delay * (0.5 + Math.random() / 2));
  }

  #now() {
    clearTimeout(this.#timer);
    this.#attempt = 0;
    this.#connect();
  }

  #drop(state) {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    if (state) this.#tell(state);
  }

  #visibility() {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) this.#hiddenTimer = setTimeout(() => this.#drop("reconnecting"), HIDDEN_MS);
    else if (!this.#socket) this.#now();
  }

  /** After a closed lid, or behind a router that forgot it, the old socket looks open for minutes: a clock that jumped
   * says better, and so does a question that nobody answers. */
  #watch() {
    let before = Date.now();
    setInterval(() => {
      const now = Date.now();
      const slept = now - before > SLEEP_MS;
      before = now;
      if (document.hidden || this.#ended) return;
      if (slept || (this.#socket && this.#askedAt && now - this.#askedAt > ANSWER_MS)) {
        this.#drop("reconnecting");
        this.#now();
      } else if (this.#socket?.readyState === WebSocket.OPEN && !this.#askedAt && now - this.#heardAt > QUIET_MS) {
        this.#hello();
      }
    }, TICK_MS);
  }
}
