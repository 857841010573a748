// The telephone of this page: a JsSIP user agent for each node, and the one call that it may have.
//
// Nothing here says goodbye when the page is left: a BYE would mean that the agent has ended the talk. The browser
// closes the line with a code of its own, by which the server gives the customer back (docs/adr/0061).

const OUT = { 4001: "session", 4009: "elsewhere", 4010: "left" };
const BUSY = 486;
const MEDIA = { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } };

// One call of the telephone. `id`: the hotline's, "" for one that is no customer's.
export class Call {
  constructor(session, request, incoming) {
    this.session = session;
    this.incoming = incoming;
    this.id = incoming ? (request.getHeader("X-Hotline-Call") ?? "") : "";
    this.number = session.remote_identity.uri.user ?? "";
    this.state = "ringing"; // ringing | talking
    this.held = false;
    this.muted = false;
    this.since = Date.now();
    this.known = false; // the server has spoken of it
  }
}

export class Phone {
  #agents = [];
  #registered = new Set();

  // change(): something about line or call is different; rings(call); sound(stream): what the far end says;
  // lost(), back(): the line broke, and is there again; out("session" | "elsewhere" | "left"): the server has ended it.
  constructor(on) {
    this.on = on;
    this.calls = [];
    this.nodes = 0;
  }

  // "off" | "connecting" | "ready"
  get state() {
    if (!this.#agents.length) return "off";
    return this.#registered.size === this.nodes ? "ready" : "connecting";
  }

  get call() {
    return this.calls[0] ?? null;
  }

  // Rejects if the library is not there.
  async start({ device, secret, nodes }, tab) {
    const { default: sip } = await import("./lib/jssip.js");
    this.stop();
    this.nodes = nodes.length;
    this.#agents = nodes.map((node) => this.#agent(sip, node, device, secret, tab));
    for (const agent of this.#agents) agent.start();
  }

  // Leaves its place in order; a call that is on ends.
  stop() {
    for (const agent of this.#agents) agent.stop();
    this.#agents = [];
    this.#registered.clear();
  }

  answer() {
    this.call?.session.answer(MEDIA);
  }

  hangUp(call = this.call) {
    if (call && !call.session.isEnded()) call.session.terminate();
  }

  // Resolves once the other side has taken note; rejects if it cannot be asked just now.
  hold(wanted) {
    const { session } = this.call;
    return new Promise((done, failed) => {
      const asked = wanted ? session.hold({}, done) : session.unhold({}, done);
      if (!asked) failed(new Error());
    });
  }

  mute(wanted) {
    const call = this.call;
    if (wanted) call.session.mute({ audio: true });
    else call.session.unmute({ audio: true });
    call.muted = wanted;
    this.on.change();
  }

  // Sends the customer on. The far end keeps us in the call for a minute if we do not leave it ourselves.
  transfer(target) {
    const call = this.call;
    return new Promise((resolve, reject) => {
      const refused = () => reject(new Error("refused"));
      const eventHandlers = {
        accepted: () => {
          this.hangUp(call);
          resolve();
        },
        failed: refused,
        requestFailed: refused,
      };
      call.session.refer(target, { eventHandlers });
    });
  }

  #agent({ UA, WebSocketInterface }, node, device, secret, tab) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const line = `${scheme}://${location.host}/api/agent/phone/line?node=${node}&tab=${tab}`;
    const agent = new UA({
      sockets: [new WebSocketInterface(line)],
      uri: `sip:${device}@hotline.invalid`,
      password: secret,
      register_expires: 120,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 4,
    });
    // One that was stopped says some last words, which are not about the telephone that came after it.
    const on = (event, what) => agent.on(event, (data) => this.#agents.includes(agent) && what(data));
    on("registered", () => {
      const back = !this.#registered.has(node);
      this.#registered.add(node);
      if (back && this.state === "ready") this.on.back();
      this.on.change();
    });
    const lost = () => {
      if (this.#registered.delete(node)) this.on.lost();
      this.on.change();
    };
    on("unregistered", lost);
    on("registrationFailed", lost);
    on("disconnected", ({ code }) => {
      lost();
      if (OUT[code]) {
        this.stop();
        this.on.out(OUT[code]);
      }
    });
    on("newRTCSession", (event) => this.#took(event));
    return agent;
  }

  #took({ originator, session, request }) {
    const incoming = originator === "remote";
    if (incoming && this.calls.length) {
      session.terminate({ status_code: BUSY });
      return;
    }
    const call = new Call(session, request, incoming);
    this.calls.push(call);
    const listen = ({ peerconnection }) =>
      peerconnection.addEventListener("track", ({ track }) => this.on.sound(new MediaStream([track])));
    session.on("peerconnection", listen);
    if (session.connection) listen({ peerconnection: session.connection });
    session.on("confirmed", () => {
      call.state = "talking";
      call.since = Date.now();
      this.on.change();
    });
    const held = (is) => ({ originator: by }) => {
      if (by === "local") call.held = is;
      this.on.change();
    };
    session.on("hold", held(true));
    session.on("unhold", held(false));
    const over = () => {
      this.calls = this.calls.filter((other) => other !== call);
      this.on.change();
    };
    session.on("ended", over);
    session.on("failed", over);
    this.on.change();
    if (incoming) this.on.rings(call);
  }
}
