// @ts-check
// A room of cfrealtime_rooms in the browser: an ES module without dependencies. The types are in rooms.d.ts.
//
//   const room = await join("/rooms/lobby", { name: "Ana", audio: true, video: true });
//   room.on("track-added", ({ participant, track }) => show(participant, track.stream));

import { Emitter, RoomError } from "./events.js";
import { LocalSource, openDevice, openDevices, openScreen } from "./media.js";
import { carriers, keepTracks, news, sameParticipant } from "./roster.js";
import { Session } from "./session.js";
import { webSocketChannel } from "./signaling.js";
import { Streams } from "./streams.js";

export { RoomError };

/** @typedef {import("./rooms.js").Participant} Participant */
/** @typedef {import("./rooms.js").Track} Track */
/** @typedef {import("./rooms.js").RoomOptions} RoomOptions */
/** @typedef {import("./rooms.js").RoomState} RoomState */
/** @typedef {{resolve: () => void, reject: (error: RoomError) => void}} Waiting */

const DEVICES = /** @type {const} */ ({ microphone: "audio", camera: "video" });

/** One person's place in a room. */
export class Room extends Emitter {
  #options;
  #open;
  /** @type {Session | null} */
  #session = null;
  /** @type {RoomState} */
  #state = "idle";
  /** @type {ReadonlyMap<string, Participant>} */
  #participants = new Map();
  #streams = new Streams();
  /** @type {Map<string, Waiting[]>} who waits for a source to be published */
  #publishing = new Map();
  /** @type {Waiting[]} */
  #joining = [];
  /** What was last told of the room's attributes. */
  #toldAttributes = "{}";
  /** @type {string | null} why the room was left */
  reason = null;

  /**
   * @param {string | URL | (() => string | URL | Promise<string | URL>)} url
   * @param {RoomOptions} [options]
   */
  constructor(url, options = {}) {
    super();
    this.#options = { audio: false, video: false, data: false, ...options };
    this.#open = options.channel ?? webSocketChannel(url);
  }

  /** @returns {RoomState} */
  get state() {
    return this.#state;
  }

  /** @returns {Participant | null} */
  get self() {
    return this.#participants.get(this.#session?.self ?? "") ?? null;
  }

  /** @returns {Participant[]} */
  get participants() {
    return [...this.#participants.values()];
  }

  /** @returns {Readonly<Record<string, number>>} */
  get limits() {
    return this.#session?.limits ?? {};
  }

  /** What the host lets us do. */
  get rights() {
    return this.#session?.rights ?? null;
  }

  /** The room's own attributes, set by the host. */
  get attributes() {
    return this.#session?.roster.attributes ?? {};
  }

  // -- coming and going --------------------------------------------------------------------------------------------

  /**
   * Open the devices, then enter. A device that cannot be had is an `error` event, and the room is entered without it.
   * @returns {Promise<this>}
   */
  async join() {
    if (this.#state !== "idle") throw new RoomError("already_joined", "A Room is joined once; make a new one.");
    this.#become("preparing");
    const { audio, video, name, attributes, data } = this.#options;
    const given = [audio, video].filter((wanted) => wanted instanceof MediaStreamTrack);
    const asked = { audio: settings(audio), video: settings(video) };
    const { tracks, problems } = await openDevices(asked);
    if (this.state !== "preparing") {
      for (const track of tracks) track.stop(); // Left while the browser was asking.
      throw new RoomError("left", "The room was left.");
    }
    for (const problem of problems) this.emit("error", problem);
    this.#session = new Session(this.#open, { name, attributes, data }, {
      changed: (departures) => this.#refresh(departures),
      rights: () => this.#restricted(),
      message: (message) => this.#received(message),
      error: (error) => this.emit("error", error),
      progress: () => this.#progress(),
      settled: (source, error) => this.#settled(source, error),
      closed: (reason, error) => this.#closed(reason, error),
    });
    for (const track of tracks) this.#place(track.kind === "audio" ? "microphone" : "camera", track, { device: true });
    for (const track of given) this.#place(track.kind === "audio" ? "microphone" : "camera", track, {});
    this.#become("connecting");
    await new Promise((/** @type {(_: void) => void} */ resolve, reject) => this.#joining.push({ resolve, reject }));
    return this;
  }

  /** Leave for good. */
  leave() {
    if (this.#session) this.#session.leave();
    else this.#closed("left");
  }

  // -- what we send ------------------------------------------------------------------------------------------------

  /**
   * Publish a track of the app's own; where the source is published already, its track is exchanged.
   * @param {string} source
   * @param {MediaStreamTrack} track
   * @param {{muted?: boolean, simulcast?: boolean}} [options]
   * @returns {Promise<void>} when the room has it
   */
  async publish(source, track, { muted = false, simulcast = false } = {}) {
    const local = this.#permitted(source).locals.get(source);
    if (local?.kind === track.kind) return local.exchange(track);
    if (local) this.unpublish(source);
    await this.#published(this.#place(source, track, { muted, simulcast }));
  }

  /** @param {string} source */
  unpublish(source) {
    const local = this.#negotiation?.locals.get(source);
    if (!local) return;
    local.stop();
    this.#negotiation?.remove(source);
    this.#settled(source, new RoomError("unpublished", "The source was unpublished."));
    this.#refresh([]);
  }

  /**
   * Mute or unmute a source of ours. Muting the camera stops the device. Unmuting a microphone or a camera that
   * was not there before opens and publishes it.
   * @param {string} source
   * @param {boolean} muted
   * @returns {Promise<void>}
   */
  async setMuted(source, muted) {
    const local = this.#require().locals.get(source);
    if (local) return await local.setMuted(muted);
    if (muted) return;
    if (!isDevice(source)) throw new RoomError("unknown_source", `Nothing is published from ${source}.`);
    this.#permitted(source);
    const track = await this.#reopen(source);
    if (this.#negotiation?.locals.has(source)) return track.stop(); // Asked for twice.
    await this.#published(this.#place(source, track, { device: true }));
  }

  /**
   * Let the person choose what to share.
   * @returns {Promise<boolean>} false when they changed their mind
   */
  async shareScreen() {
    this.#permitted("screen");
    const stream = await openScreen();
    if (!stream) return false;
    const work = stream.getTracks().map((track) => {
      const source = track.kind === "video" ? "screen" : "screen_audio";
      this.unpublish(source);
      if (track.kind === "video") track.contentHint = "detail";
      return this.#published(this.#place(source, track, { share: true }));
    });
    await Promise.all(work);
    return true;
  }

  stopSharing() {
    this.unpublish("screen");
    this.unpublish("screen_audio");
  }

  /**
   * Say something to everyone, or to some; false while there is no connection to the room.
   * @param {string | {data: unknown}} content
   * @param {string[]} [to]
   * @returns {boolean}
   */
  send(content, to) {
    const body = typeof content === "string" ? { text: content } : { data: content.data };
    return this.#session?.say({ type: "message", ...body, ...(to && { to }) }) ?? false;
  }

  /**
   * Merge into our own attributes; an empty value removes its key.
   * @param {Record<string, string>} attributes
   * @returns {boolean}
   */
  setAttributes(attributes) {
    return this.#session?.say({ type: "attributes", attributes }) ?? false;
  }

  /**
   * Say what to receive, where the host leaves that to us: all of it every time, the most wanted first.
   * @param {{publications?: string[], participants?: string[]}} [wanted] ids; nothing if left out
   * @returns {boolean}
   */
  select({ publications = [], participants = [] } = {}) {
    return this.#session?.say({ type: "select", publications, participants }) ?? false;
  }

  /**
   * Say in which simulcast layer to receive publications; null for the host's default.
   * @param {Record<string, string | null>} layers by publication id: "low", "medium", "high", or one of its rids
   * @returns {boolean}
   */
  preferLayers(layers) {
    return this.#session?.say({ type: "layers", layers }) ?? false;
  }

  /**
   * How loud everyone is, 0 to 1, by participant id.
   * @returns {Promise<Map<string, number>>}
   */
  async audioLevels() {
    /** @type {Map<string, number>} */
    const levels = new Map();
    const connection = this.#negotiation?.connection;
    const carrier = carriers(this.#negotiation?.mids ?? {});
    for (const participant of this.#participants.values()) {
      const track = participant.tracks.get("microphone");
      if (!track || !connection) continue;
      const mid = carrier.get(track.id ?? "");
      const heard = mid === undefined ? undefined : connection.receiver(mid)?.getSynchronizationSources()[0];
      const level = participant.isSelf ? await connection.level("microphone") : (heard?.audioLevel ?? 0);
      levels.set(participant.id, track.muted ? 0 : level);
    }
    return levels;
  }

  // -- from here on: how ---------------------------------------------------------------------------------------------

  get #negotiation() {
    return this.#session?.negotiation;
  }

  #require() {
    if (this.#session && this.#state !== "closed") return this.#session.negotiation;
    throw new RoomError("not_joined", "Join the room first.");
  }

  /** @param {string} source */
  #permitted(source) {
    const negotiation = this.#require();
    if (this.#session?.allows(source)) return negotiation;
    throw this.#forbidden(source);
  }

  /** @param {string} source */
  #forbidden(source) {
    const muted = this.rights?.muted.includes(source);
    return muted
      ? new RoomError("muted_by_host", `The host has muted the ${source}.`)
      : new RoomError("not_allowed", `The host does not allow the ${source}.`);
  }

  /** The host has changed what we may do: what may not be sent any more is stopped here too. */
  #restricted() {
    for (const [source, local] of this.#negotiation?.locals ?? []) {
      if (this.#session?.allows(source)) continue;
      local.stop();
      this.#negotiation?.refusedSource(source, this.#forbidden(source));
    }
    this.emit("rights", { rights: this.rights });
    this.#refresh([]);
  }

  /** @param {keyof typeof DEVICES} source */
  async #reopen(source) {
    const wanted = settings(DEVICES[source] === "audio" ? this.#options.audio : this.#options.video);
    const track = await openDevice(DEVICES[source], wanted || true);
    if (this.#state !== "closed") return track;
    track.stop();
    throw new RoomError("left", "The room was left.");
  }

  /**
   * @param {string} source
   * @param {MediaStreamTrack} track
   * @param {{muted?: boolean, simulcast?: boolean, device?: boolean, share?: boolean}} options
   */
  #place(source, track, { muted = false, simulcast = false, device = false, share = false }) {
    const local = new LocalSource(source, track, {
      muted,
      simulcast,
      owned: device || share,
      reopen: device && isDevice(source) ? () => this.#reopen(source) : null,
      changed: (changed) => {
        this.#negotiation?.refresh(changed);
        this.#refresh([]);
      },
      lost: (lost) => this.#lost(lost, device),
    });
    this.#negotiation?.locals.set(source, local);
    this.#negotiation?.reconcile();
    this.#refresh([]);
    return local;
  }

  /**
   * Its device was unplugged, or sharing was stopped outside of the page.
   * @param {LocalSource} local
   * @param {boolean} device
   */
  #lost(local, device) {
    if (this.#negotiation?.locals.get(local.source) !== local) return;
    if (device) this.emit("error", new RoomError("device_lost", `The ${local.source} is gone.`));
    if (device && local.kind === "video") local.setMuted(true);
    else if (local.source === "screen") this.stopSharing();
    else this.unpublish(local.source);
  }

  /** @param {LocalSource} local */
  async #published({ source }) {
    /** @type {Promise<void>} */
    const done = new Promise((resolve, reject) => {
      this.#publishing.set(source, [...(this.#publishing.get(source) ?? []), { resolve, reject }]);
    });
    await done;
  }

  /**
   * @param {string} source
   * @param {RoomError | null} error
   */
  #settled(source, error) {
    const waiting = this.#publishing.get(source) ?? [];
    this.#publishing.delete(source);
    for (const { resolve, reject } of waiting) error ? reject(error) : resolve();
    if (!error || error.code === "unpublished") return;
    this.emit("error", error);
    this.#refresh([]);
  }

  #progress() {
    const session = this.#session;
    if (!session || this.#state === "closed") return;
    if (session.joined && !session.negotiation.interrupted) this.#become("connected");
    else if (this.#state === "connected") this.#become("reconnecting");
    if (!session.joined) return;
    for (const { resolve } of this.#joining.splice(0)) resolve();
  }

  /** @param {RoomState} state */
  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.emit("state", { state, reason: this.reason });
  }

  /**
   * @param {string} reason
   * @param {RoomError} [refusal]
   */
  #closed(reason, refusal) {
    if (this.#state === "closed") return;
    this.reason = reason;
    const words = reason === "left" ? "The room was left." : `The room closed: ${reason}.`;
    const error = refusal ?? new RoomError(reason, words);
    for (const { reject } of this.#joining.splice(0)) reject(error);
    for (const source of [...this.#publishing.keys()]) {
      for (const { reject } of this.#publishing.get(source) ?? []) reject(error);
    }
    this.#publishing.clear();
    for (const local of this.#negotiation?.locals.values() ?? []) local.stop();
    this.#negotiation?.locals.clear();
    this.#become("closed");
  }

  /** @param {{sender: string | null, text?: string | null, data?: unknown, to?: string[] | null}} message */
  #received({ sender, text = null, data = null, to = null }) {
    const participant = sender === null ? null : (this.#participants.get(sender) ?? null);
    this.emit("message", { sender: participant, text, data, to });
  }

  // -- participants --------------------------------------------------------------------------------------------------

  /**
   * Compute everyone anew; tell what changed. Objects that did not change stay the same ones.
   * @param {{id: string, reason: string}[]} departures
   */
  #refresh(departures) {
    const session = this.#session;
    if (!session) return;
    if (JSON.stringify(session.roster.attributes) !== this.#toldAttributes) {
      this.#toldAttributes = JSON.stringify(session.roster.attributes);
      this.emit("attributes", { attributes: this.attributes });
    }
    const before = this.#participants;
    const carrier = carriers(session.negotiation.mids);
    const after = new Map();
    for (const view of session.roster.participants.values()) {
      const { publications: _, ...rest } = view;
      const isSelf = view.id === session.self;
      const tracks = isSelf ? this.#ownTracks(view) : this.#receivedTracks(view, carrier);
      const old = before.get(view.id);
      const participant = { ...rest, isSelf, tracks: keepTracks(old?.tracks, tracks) };
      after.set(view.id, old && sameParticipant(old, participant) ? old : Object.freeze(participant));
    }
    this.#participants = after;
    this.#streams.keep(after);
    const told = news(before, after, new Map(departures.map(({ id, reason }) => [id, reason])));
    for (const [type, event] of told) this.emit(type, event);
    if (told.length) this.emit("participants", { participants: this.participants });
  }

  /** @param {import("./rooms.js").ParticipantView} view */
  #ownTracks(view) {
    const ids = new Map(view.publications.map(({ id, source }) => [source, id]));
    /** @type {Map<string, Track>} */
    const tracks = new Map();
    for (const { source, kind, muted, stream } of this.#negotiation?.locals.values() ?? []) {
      tracks.set(source, { id: ids.get(source) ?? null, source, kind, muted, state: "live", rids: null, stream });
    }
    return tracks;
  }

  /**
   * @param {import("./rooms.js").ParticipantView} view
   * @param {ReadonlyMap<string, string>} carrier
   */
  #receivedTracks(view, carrier) {
    /** @type {Map<string, Track>} */
    const tracks = new Map();
    for (const { id, source, kind, muted, state, rids = null } of view.publications) {
      const mid = carrier.get(id);
      const media = mid === undefined ? undefined : this.#negotiation?.connection?.receiver(mid)?.track;
      const stream = this.#streams.holding(view.id, source, media);
      tracks.set(source, { id, source, kind, muted, state, rids, stream: media ? stream : null });
    }
    return tracks;
  }
}

/**
 * Make a room and join it.
 * @param {string | URL | (() => string | URL | Promise<string | URL>)} url
 * @param {RoomOptions} [options]
 */
export async function join(url, options) {
  return await new Room(url, options).join();
}

/**
 * @param {string} source
 * @returns {source is keyof typeof DEVICES}
 */
function isDevice(source) {
  return Object.hasOwn(DEVICES, source);
}

/**
 * What to ask of a device; a track of the app's own asks nothing.
 * @param {boolean | MediaTrackConstraints | MediaStreamTrack} wanted
 */
function settings(wanted) {
  return wanted instanceof MediaStreamTrack ? false : wanted;
}
