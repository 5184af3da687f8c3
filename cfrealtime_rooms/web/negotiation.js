// @ts-check
// From what is wanted to what is sent: one connection per epoch, and the exchanges on it.
//
// Two rules. What is wanted is in `locals`, what there is, is in the connection, and `reconcile` asks for the
// difference: nothing else starts an exchange. And any doubt about a connection ends in reporting it failed, because
// the room answers that with a new one.

import { Connection } from "./connection.js";
import { RoomError, sleep } from "./events.js";

/** @typedef {import("./media.js").LocalSource} LocalSource */
/** @typedef {import("./rooms.js").PublicationView} PublicationView */
/**
 * An exchange of ours: asked for, granted but with nothing to offer any more, or offered. `id` is the grant; null in
 * `join`. `sources` are those of the offer.
 * @typedef {{stage: "asked" | "granted" | "offering" | "offered", id: number | null, until: number, sources: string[]}} Exchange
 */
/**
 * @typedef {object} Surroundings
 * @property {(message: object) => boolean} say to the room, while we are in it
 * @property {() => boolean} joined
 * @property {() => readonly PublicationView[]} published what the room knows of us
 * @property {(source: string) => boolean} allows the host lets us publish it
 * @property {() => void} restart the channel
 * @property {() => void} changed receivers came or went
 * @property {() => void} progress something that the room's state depends on changed
 * @property {(error: RoomError) => void} error
 * @property {(source: string, error: RoomError | null) => void} settled a source is published, or refused
 */

/** The room answers a report of failure within this time, or the channel is dead as well. */
const REPLACEMENT = 10_000;
/** So long the answer to our own offer is waited for. */
const ANSWER = 20_000;
/** How often packets are looked for, and how long the first source waits for the others to be reported with it. */
const LOOK = 100;
const TOGETHER = 500;
/** What the room refuses for the moment is tried again after this time, so often. */
const PASSING = ["stale", "no_grant", "publish_failed", "bad_sdp"];
const AGAIN = 500;
const TRIES = 3;

/** @param {readonly LocalSource[]} locals */
const names = (locals) => locals.map((local) => local.source);

/** Our side of every negotiation. */
export class Negotiation {
  /** @type {Map<string, LocalSource>} what is to be published */
  locals = new Map();
  /** @type {Connection | null} */
  connection = null;
  epoch = 0;
  /** @type {RTCIceServer[]} */
  iceServers = [];
  /** @type {Readonly<Record<string, string>>} receiving mid to publication */
  mids = {};

  #room;
  #data;
  /** @type {Exchange | null} never two at once */
  #exchange = null;
  /** @type {Promise<void>} steps of the connection, one after the other */
  #steps = Promise.resolve();
  /** @type {Set<string>} sources reported as sending on this connection */
  #reported = new Set();
  /** The exchange applied last: its answer comes again if our `applied` was lost. */
  #applied = 0;
  #tries = 0;
  #connections = 0;
  #looking = false;
  /** @type {Set<string>} dead publications whose successor is on its way */
  #buried = new Set();
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  #timers = {};

  /**
   * @param {boolean} data
   * @param {Surroundings} room
   */
  constructor(data, room) {
    this.#data = data;
    this.#room = room;
  }

  /** Media got through before and does not now. */
  get interrupted() {
    const connection = this.connection;
    if (connection?.state !== "connecting") return connection?.state === "failed";
    return this.#connections > 1 && (connection.sources.size > 0 || Object.keys(this.mids).length > 0);
  }

  // -- what is wanted ----------------------------------------------------------------------------------------------

  /**
   * What the source sends, or whether it is muted, changed.
   * @param {LocalSource} local
   */
  refresh(local) {
    if (this.locals.get(local.source) !== local) return;
    this.connection?.refresh(local).catch((error) => this.#failed(error));
    // An offer still being made will say it itself.
    const offering = this.#exchange?.stage === "offering" && this.#exchange.sources.includes(local.source);
    if (offering || !this.connection?.sources.has(local.source)) return;
    this.#room.say({ type: "mute", source: local.source, muted: local.muted });
  }

  /**
   * Publish this source no longer.
   * @param {string} source
   */
  remove(source) {
    if (!this.locals.delete(source)) return;
    // One that is still being offered is taken back when its exchange is over.
    if (this.#exchange?.sources.includes(source)) return;
    if (this.#retire(source)) this.#room.say({ type: "unpublish", source });
  }

  /** Ask for what is wanted and not there. */
  reconcile() {
    if (!this.#room.joined() || this.connection?.state === "failed") return;
    for (const { id, source, state } of this.#room.published()) {
      if (state !== "dead") this.#buried.delete(id);
      else if (!this.#buried.has(id)) this.#retire(source); // The SFU let go of it: it is published anew.
      if (state === "dead") this.#buried.add(id);
    }
    if (!this.#unplaced().length) return;
    if (this.#exchange?.stage === "granted") this.#offer(this.#exchange);
    if (this.#exchange) return;
    this.#exchange = { stage: "asked", id: null, until: 0, sources: [] };
    this.#room.say({ type: "negotiate" });
    this.#deadline("exchange", ANSWER, () => this.#over());
  }

  // -- coming in, coming back --------------------------------------------------------------------------------------

  /**
   * A fresh connection for `join`, and the offer of everything we publish that rides in it.
   * @param {(offer: {offer?: string, tracks?: object[]}) => void} send
   */
  join(send) {
    this.#open(0);
    const locals = this.#unplaced();
    if (locals.length) this.#exchange = { stage: "offering", id: null, until: 0, sources: names(locals) };
    this.#step(async (connection) => {
      const offer = locals.length ? await connection.offer(locals) : null;
      if (connection !== this.connection) return;
      if (this.#exchange) this.#exchange.stage = "offered";
      send(offer ? { offer: offer.sdp, tracks: offer.tracks } : {});
      this.#deadline("exchange", ANSWER, () => this.#room.restart());
    });
  }

  /** We are in the room: an offer that was sent is being dealt with. */
  entered() {
    if (this.#exchange) this.#deadline("exchange", ANSWER, () => this.#failed());
    else clearTimeout(this.#timers.exchange);
  }

  /** After a resume: say what could not be said meanwhile. */
  catchUp() {
    for (const { source, muted } of this.#room.published()) {
      const local = this.locals.get(source);
      if (!local) this.#room.say({ type: "unpublish", source });
      else if (local.muted !== muted) this.#room.say({ type: "mute", source, muted: local.muted });
    }
    const state = this.connection?.state;
    if (state === "failed" || state === "connected") this.#reportMedia(state);
  }

  /** The channel dropped. After a resume the room repeats a grant, and the answer to an offer that it has got. */
  pause() {
    clearTimeout(this.#timers.replacement);
    clearTimeout(this.#timers.exchange);
    if (this.#exchange?.stage !== "offered") this.#exchange = null;
  }

  /** Close for good. */
  stop() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.connection?.close();
    this.connection = null;
  }

  // -- what arrives ------------------------------------------------------------------------------------------------

  /** @param {{grant: number, epoch: number, deadline: number}} message */
  granted({ grant, epoch, deadline }) {
    if (epoch !== this.epoch) return;
    if (!this.connection) this.#open(epoch);
    const until = performance.now() + deadline * 1_000;
    this.#offer({ stage: "offering", id: grant, until, sources: [] });
  }

  /** @param {{exchange: number, epoch: number, sdp: string}} message */
  answered(message) {
    this.#step((connection) => this.#accept(connection, message));
  }

  /** @param {{exchange: number, epoch: number, sdp: string, mids: Record<string, string>}} message */
  offered({ exchange, epoch, sdp, mids }) {
    if (!this.#isCurrent(epoch)) return;
    this.#step(async (connection) => {
      const answer = await connection.answer(sdp);
      if (connection !== this.connection) return;
      this.#room.say({ type: "answer", exchange, sdp: answer });
      this.#attribute(mids);
    });
  }

  /** @param {{epoch: number, mids: Record<string, string>}} message */
  mapped({ epoch, mids }) {
    if (this.#isCurrent(epoch)) this.#step(async () => this.#attribute(mids));
  }

  /** @param {{epoch: number, grant: number | null, deadline: number}} message */
  replace({ epoch, grant, deadline }) {
    if (epoch <= this.epoch) return;
    this.#open(epoch);
    this.#room.progress();
    if (grant !== null) this.granted({ grant, epoch, deadline });
    else this.reconcile();
  }

  /**
   * One source of our offer was refused; the answer for the others is on its way.
   * @param {string} source
   * @param {RoomError} error
   */
  refusedSource(source, error) {
    this.#giveUp([source], error);
  }

  /**
   * Our offer was refused: take it back; try again where that may help, else give its sources up.
   * @param {RoomError} error
   */
  refused(error) {
    const exchange = this.#exchange;
    if (!exchange) return;
    this.#step(async (connection) => {
      await connection.rollback();
      const passing = PASSING.includes(error.code);
      const again = passing && ++this.#tries < TRIES;
      if (again) await sleep(AGAIN * this.#tries);
      else this.#giveUp(this.#toBlame(exchange), error);
      // A refused offer has used its grant up.
      if (connection === this.connection && this.#exchange === exchange) this.#over();
    });
  }

  /**
   * What a refusal is about: what the host has forbidden meanwhile, else all that was offered.
   * @param {Exchange} exchange
   */
  #toBlame(exchange) {
    const forbidden = exchange.sources.filter((source) => !this.#room.allows(source));
    if (forbidden.length) return forbidden;
    return exchange.sources.length ? exchange.sources : names(this.#unplaced());
  }

  // -- exchanges ---------------------------------------------------------------------------------------------------

  /**
   * Offer what has no section yet; with nothing to offer, keep the grant while it lasts.
   * @param {Exchange} exchange
   */
  #offer(exchange) {
    this.#exchange = exchange;
    exchange.stage = "offering";
    this.#step(async (connection) => {
      await connection.rollback(); // Granted again after a reconnect: the offer made before never arrived.
      const locals = this.#unplaced();
      if (!locals.length) return this.#keep(exchange);
      exchange.sources = names(locals);
      const { sdp, tracks } = await connection.offer(locals);
      if (this.#exchange !== exchange) {
        await connection.rollback(); // The channel dropped meanwhile, and the grant with it.
        return this.reconcile();
      }
      exchange.stage = "offered";
      this.#deadline("exchange", ANSWER, () => this.#failed());
      this.#room.say({ type: "offer", grant: exchange.id, sdp, tracks });
    });
  }

  /** @param {Exchange} exchange */
  #keep(exchange) {
    exchange.stage = "granted";
    exchange.sources = [];
    this.#deadline("exchange", Math.max(0, exchange.until - performance.now()), () => this.#over());
  }

  /**
   * @param {Connection} connection
   * @param {{exchange: number, epoch: number, sdp: string}} message
   */
  async #accept(connection, { exchange: id, epoch, sdp }) {
    const exchange = this.#exchange;
    if (epoch !== this.epoch) return;
    if (exchange?.stage !== "offered" || (exchange.id ?? id) !== id) {
      if (id === this.#applied) this.#room.say({ type: "applied", exchange: id });
      return;
    }
    await connection.accept(sdp);
    this.#room.say({ type: "applied", exchange: id });
    this.#applied = id;
    this.#tries = 0;
    for (const source of exchange.sources) await this.#published(connection, source);
    this.#over();
    this.#lookForPackets();
  }

  /**
   * The room has a source: still wanted, perhaps with another track by now, or given up meanwhile.
   * @param {Connection} connection
   * @param {string} source
   */
  async #published(connection, source) {
    const local = this.locals.get(source);
    if (local) {
      await connection.refresh(local);
      this.#room.settled(source, null);
    } else if (this.#retire(source)) {
      this.#room.say({ type: "unpublish", source });
    }
  }

  /** Our exchange is over, well or not. */
  #over() {
    clearTimeout(this.#timers.exchange);
    this.#exchange = null;
    this.reconcile();
  }

  /**
   * @param {string[]} sources
   * @param {RoomError} error
   */
  #giveUp(sources, error) {
    this.#tries = 0;
    for (const source of sources) {
      const wanted = this.locals.delete(source);
      this.#retire(source);
      if (wanted) this.#room.settled(source, error);
    }
  }

  /** Sources that are wanted and have no section yet. */
  #unplaced() {
    const placed = this.connection?.sources;
    return [...this.locals.values()].filter((local) => !placed?.has(local.source));
  }

  /**
   * @param {string} source
   * @returns {boolean} whether it had a section
   */
  #retire(source) {
    const had = this.connection?.sources.has(source) ?? false;
    this.connection?.retire(source);
    this.#reported.delete(source);
    return had;
  }

  // -- the connection ----------------------------------------------------------------------------------------------

  /** @param {number} epoch */
  #isCurrent(epoch) {
    if (epoch > this.epoch && this.#room.joined()) this.#open(epoch); // Its `replace` never reached us.
    return epoch === this.epoch;
  }

  /**
   * A fresh connection; the old one and all that was under way on it are forgotten.
   * @param {number} epoch
   */
  #open(epoch) {
    this.stop();
    this.epoch = epoch;
    this.mids = {};
    this.#connections += 1;
    this.#exchange = null;
    this.#applied = 0;
    this.#reported.clear();
    this.#steps = Promise.resolve();
    /** @type {Connection} */
    const connection = new Connection(this.iceServers, {
      data: this.#data,
      report: (state) => connection === this.connection && this.#mediaChanged(state),
    });
    this.connection = connection;
    this.#room.changed();
  }

  /**
   * Do something with the connection when everything before it is done; skipped if the connection is replaced first.
   * @param {(connection: Connection) => Promise<void>} work
   */
  #step(work) {
    const connection = this.connection;
    this.#steps = this.#steps.then(async () => {
      if (!connection || connection !== this.connection) return;
      try {
        await work(connection);
      } catch (error) {
        if (connection === this.connection) this.#failed(error);
      }
    });
  }

  /** @param {Readonly<Record<string, string>>} mids */
  #attribute(mids) {
    this.mids = mids;
    this.#room.changed();
  }

  /**
   * The connection is not what it should be: the room replaces it.
   * @param {unknown} [cause]
   */
  #failed(cause) {
    const state = this.connection?.state;
    if (!this.connection || state === "failed" || state === "closed") return;
    const sentence = "The media connection did not work out and is made anew.";
    this.#room.error(new RoomError("negotiation_failed", sentence, cause));
    this.connection.state = "failed";
    this.#mediaChanged("failed");
  }

  /** @param {"connected" | "failed"} state */
  #mediaChanged(state) {
    this.#reportMedia(state);
    this.#room.progress();
    if (state === "connected") this.#lookForPackets();
  }

  /** @param {"connected" | "failed"} state */
  #reportMedia(state) {
    this.#room.say({ type: "media", epoch: this.epoch, state, sending: [...this.#reported] });
    if (state === "failed") this.#deadline("replacement", REPLACEMENT, () => this.#room.restart());
  }

  /** Tell which sources send: together where possible, for each report makes everyone else negotiate. */
  async #lookForPackets() {
    const connection = this.connection;
    if (this.#looking || connection?.state !== "connected") return;
    this.#looking = true;
    let first = Infinity;
    while (connection === this.connection && connection.state === "connected") {
      const sending = await connection.sending().catch(() => /** @type {string[]} */ ([]));
      if (connection !== this.connection) break;
      const missing = [...connection.sources].filter((source) => !sending.includes(source));
      if (sending.some((source) => !this.#reported.has(source))) first = Math.min(first, performance.now());
      if (first < Infinity && (!missing.length || performance.now() - first >= TOGETHER)) {
        this.#reported = new Set(sending);
        this.#room.say({ type: "media", epoch: this.epoch, sending });
        first = Infinity;
      }
      if (!missing.length && first === Infinity) break;
      await sleep(LOOK);
    }
    this.#looking = false;
    if (connection !== this.connection) this.#lookForPackets();
  }

  /**
   * @param {string} name
   * @param {number} milliseconds
   * @param {() => void} act
   */
  #deadline(name, milliseconds, act) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(act, milliseconds);
  }
}
