// When the line breaks for a moment the server takes the agent off the line; once it is back, the page puts things
// as they were. An agent whose page is loaded anew has to say so himself.

const PHONE_LOST = "phone_lost";
const PAUSE_MS = 300;
const TRIES = 6;

// The server hears of a telephone a moment after the telephone itself: refused for want of one, it is asked again.
export async function beReady(post) {
  for (let left = TRIES; ; ) {
    try {
      return await post("/api/agent/ready");
    } catch (error) {
      left -= 1;
      if (error.status !== 409 || !left) throw error;
    }
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
}

export class Ready {
  #before = null;

  constructor(post) {
    this.post = post;
  }

  lost(now) {
    if (now && !this.#before && this.#reason(now) !== PHONE_LOST) this.#before = now;
  }

  back(now) {
    if (now) this.told(now, "ready");
  }

  async told(now, line) {
    const before = this.#before;
    if (!before || line !== "ready" || this.#reason(now) !== PHONE_LOST || now.state === "wrap_up") return;
    this.#before = null;
    const reason = before.state === "not_ready" ? before.reason : before.after_call;
    try {
      if (!reason || reason === "ready") await beReady(this.post);
      else await this.post("/api/agent/not-ready", { reason });
    } catch {
      // Then it is as the server shows it, and the agent sees that.
    }
  }

  #reason(now) {
    return now.reason || now.after_call;
  }
}
