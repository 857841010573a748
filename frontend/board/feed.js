// The live topic: a snapshot, then numbered changes; goes on after a break from the last number seen.

const SILENCE_MS = 12_000; // the server beats every five seconds
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

export class Feed {
  #socket = null;
  #retry = FIRST_RETRY_MS;
  #timer = 0;
  #watch = 0;
  #wanted = false;

  // onState: "connecting" | "live" | "broken"; onRefused: "session" | "rights"
  constructor({ topic = "board", onChange, onState, onRefused }) {
    this.topic = topic;
    this.data = null;
    this.last = 0;
    this.knownAt = 0;
    this.receivedAt = 0;
    this.ageThen = 0;
    this.offset = -Infinity;
    this.on = { change: onChange, state: onState, refused: onRefused };
  }

  start() {
    this.#wanted = true;
    this.#connect();
  }

  stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#socket?.close();
    this.#socket = null;
    this.data = null;
    this.last = 0;
  }

  // Age of the data in ms, by the page's own steady clock: wrong clocks on either side do not matter.
  age() {
    return this.receivedAt ? this.ageThen + performance.now() - this.receivedAt : null;
  }

  // The server's time, for clocks that tick here.
  now() {
    return Date.now() + (Number.isFinite(this.offset) ? this.offset : 0);
  }

  #connect() {
    this.on.state(this.data ? "broken" : "connecting");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const after = this.last ? `&after=${this.last}` : "";
    const socket = new WebSocket(`${scheme}://${location.host}/api/live?topic=${this.topic}${after}`);
    this.#socket = socket;
    socket.onmessage = (event) => this.#take(socket, JSON.parse(event.data));
    socket.onclose = (event) => this.#closed(socket, event.code);
    this.#listenFor(socket);
  }

  #listenFor(socket) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      // A connection that says nothing is dead even if nobody has told us so.
      socket.close();
      this.#closed(socket, 0);
    }, SILENCE_MS);
  }

  #take(socket, frame) {
    if (socket !== this.#socket) return;
    this.#listenFor(socket);
    this.#retry = FIRST_RETRY_MS;
    if (frame.kind === "change" && frame.seq !== this.last + 1) {
      this.last = 0; // a gap: begin again with a snapshot
      socket.close();
      this.#closed(socket, 0);
      return;
    }
    this.last = frame.seq;
    this.receivedAt = performance.now();
    this.ageThen = frame.age_ms;
    // The fastest message of late tells the server's clock best.
    const offset = Date.parse(frame.at) + frame.age_ms - Date.now();
    this.offset = Math.max(offset, this.offset - 5);
    if (frame.kind === "snapshot") this.data = frame.data;
    else if (frame.kind === "change") lay(this.data, frame.data);
    this.on.state("live");
    if (frame.data) this.on.change();
  }

  async #closed(socket, code) {
    if (socket !== this.#socket || !this.#wanted) return;
    this.#socket = null;
    clearTimeout(this.#watch);
    this.on.state("broken");
    if (code === 4003) return this.on.refused("rights");
    if (code === 4001 || (await sessionEnded())) return this.on.refused("session");
    if (!this.#wanted) return;
    const wait = this.#retry * (0.5 + Math.random() / 2);
    this.#retry = Math.min(this.#retry * 2, LONGEST_RETRY_MS);
    this.#timer = setTimeout(() => this.#connect(), wait);
  }
}

// The browser does not tell why a WebSocket was refused; the session route does.
async function sessionEnded() {
  try {
    return (await fetch("/api/session")).status === 401;
  } catch {
    return false;
  }
}

function lay(shown, change) {
  for (const [name, value] of Object.entries(change)) {
    if (name === "queues" || name === "agents") {
      for (const [key, fields] of Object.entries(value)) Object.assign((shown[name][key] ??= {}), fields);
    } else if (name === "total" || name === "calls" || name === "waiting") {
      Object.assign(shown[name], value);
    } else {
      shown[name] = value;
    }
  }
}
