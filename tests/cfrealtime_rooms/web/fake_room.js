// A room inside the page: it speaks the protocol with the client under test, over the client's own `channel` option,
// and an RTCPeerConnection of its own stands in for the SFU. Tests script what it does next.

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Something to publish: a canvas that keeps changing. */
export function picture() {
  const context = Object.assign(document.createElement("canvas"), { width: 64, height: 48 }).getContext("2d");
  setInterval(() => context.fillRect(Math.random() * 64, 0, 4, 4), 100);
  return context.canvas.captureStream(10).getVideoTracks()[0];
}

export class FakeRoom {
  /** Every message of the client, in order. */
  log = [];
  /** Others in the room: {id, sources}. */
  others = [];
  /** The room's own attributes, in the next delta. */
  attributes = undefined;
  own = [];
  mids = {};
  epoch = 0;
  revision = 0;
  /** Offers to refuse before one is taken: [{code, source?}]. */
  refusals = [];
  /** Milliseconds before an offer is answered. */
  slowness = 0;
  knowsTokens = true;
  #number = 0;
  #events = null;
  #sfu = null;
  #turn = Promise.resolve();

  constructor(others = []) {
    this.others = others;
  }

  /** What `new Room(url, {channel})` is given. */
  channel = (events) => {
    this.#events = events;
    queueMicrotask(() => this.say("welcome", { protocol: 1, ice_servers: [], limits: { text_length: 4000 } }));
    return {
      send: (text) => events === this.#events && this.#take(JSON.parse(text)),
      close: () => {},
    };
  };

  say(type, fields = {}) {
    this.#events?.message(JSON.stringify({ type, ...fields }));
  }

  drop() {
    const events = this.#events;
    this.#events = null;
    events.close();
  }

  refuse(reason) {
    this.#events.refused(reason);
  }

  /** What the client has sent, without media; and from now on anew. */
  taken() {
    return this.log.splice(0).map((message) => {
      const { type, source, state, sending, tracks } = message;
      const parts = [type, source, state, sending && `(${sending})`, tracks && `[${tracks.map((t) => t.source)}]`];
      return parts.filter(Boolean).join(" ");
    });
  }

  change() {
    const { attributes } = this;
    const participants = this.#views();
    this.say("delta", { since: this.revision, revision: ++this.revision, participants, left: [], attributes });
  }

  /** Have the client receive what it does not yet: one offer after the other. */
  subscribe() {
    this.#turn = this.#turn.then(() => this.#subscribe());
    return this.#turn;
  }

  async #subscribe() {
    while (this.#sfu.signalingState !== "stable") await pause(10);
    const carried = Object.values(this.mids);
    const missing = this.others.flatMap(({ id, sources }) => sources.map((source) => `${id}-${source}`));
    const added = missing
      .filter((publication) => !carried.includes(publication))
      .map((publication) => [publication, this.#sfu.addTransceiver(picture(), { direction: "sendonly" })]);
    if (!added.length) return;
    await this.#describe();
    for (const [publication, { mid }] of added) this.mids[mid] = publication;
    const { sdp } = this.#sfu.localDescription;
    this.say("offer", { exchange: ++this.#number, epoch: this.epoch, sdp, mids: this.mids });
  }

  async #describe() {
    await this.#sfu.setLocalDescription();
    while (this.#sfu.iceGatheringState !== "complete") await pause(10);
  }

  #views() {
    const live = { muted: false, state: "live" };
    const view = (id, publications) => ({ id, identity: id, name: id, state: "connected", attributes: {}, publications });
    const theirs = ({ id, sources, rids }) =>
      sources.map((source) => ({ id: `${id}-${source}`, source, kind: "video", ...live, rids }));
    return [view("self", this.own), ...this.others.map((other) => view(other.id, theirs(other)))];
  }

  #enter(epoch) {
    const snapshot = { revision: this.revision, participants: this.#views(), mids: this.mids };
    this.say("joined", { participant: "self", epoch, token: `token-${++this.#number}`, snapshot });
  }

  async #take(message) {
    this.log.push(message);
    const handlers = {
      join: () => this.#join(message),
      resume: () => this.#resume(),
      negotiate: () => this.say("grant", { grant: ++this.#number, epoch: this.epoch, deadline: 10 }),
      offer: () => this.#offered(message.grant, message.sdp, message.tracks),
      answer: () => this.#sfu.setRemoteDescription({ type: "answer", sdp: message.sdp }),
      media: () => this.#media(message),
      mute: () => this.#mute(message),
      unpublish: () => (this.own = this.own.filter(({ source }) => source !== message.source)),
      snapshot: () => this.say("snapshot", { revision: this.revision, participants: this.#views(), mids: this.mids }),
    };
    await handlers[message.type]?.();
  }

  async #join({ offer, tracks }) {
    this.#fresh(this.epoch + 1);
    this.own = [];
    this.#enter(this.epoch);
    if (offer) await this.#offered(++this.#number, offer, tracks);
    else await this.subscribe();
  }

  #resume() {
    if (this.knowsTokens) return this.#enter(this.epoch);
    this.knowsTokens = true;
    this.say("error", { code: "resume_failed", message: "Unknown.", in_reply_to: "resume" });
  }

  #fresh(epoch) {
    this.#sfu?.close();
    this.#sfu = new RTCPeerConnection();
    this.epoch = epoch;
    this.mids = {};
  }

  async #offered(exchange, sdp, tracks) {
    await pause(this.slowness);
    const refusal = this.refusals.shift();
    if (refusal) this.say("error", { message: "No.", in_reply_to: "offer", ...refusal });
    if (refusal && !refusal.source) return;
    await this.#sfu.setRemoteDescription({ type: "offer", sdp });
    await this.#describe();
    for (const { source, kind, muted } of tracks) {
      if (source === refusal?.source) continue;
      this.own = this.own.filter((publication) => publication.source !== source);
      this.own.push({ id: `own-${source}-${exchange}`, source, kind, muted, state: "live" });
    }
    this.say("answer", { exchange, epoch: this.epoch, sdp: this.#sfu.localDescription.sdp });
    this.change();
  }

  async #media({ state }) {
    if (state === "connected") await this.subscribe();
    if (state !== "failed") return;
    this.#fresh(this.epoch + 1);
    this.say("replace", { epoch: this.epoch, grant: ++this.#number, deadline: 10 });
  }

  #mute({ source, muted }) {
    this.own = this.own.map((publication) => (publication.source === source ? { ...publication, muted } : publication));
    this.change();
  }

  /** Frames that arrive from the client, over all its video. */
  async frames() {
    let frames = 0;
    for (const report of (await this.#sfu.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "video") frames += report.framesDecoded ?? 0;
    }
    return frames;
  }
}
