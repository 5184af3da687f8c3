// @ts-check
// The client's side of the signaling protocol: what a participant wants sent, and the exchanges that get it there.
//
// Two rules. What is wanted is in `locals`, what the room knows is in the roster and the connection, and `#reconcile`
// asks for the difference: nothing else starts an exchange. And any doubt about a connection ends in reporting it
// failed, because the room answers that with a new one.

import { Connection } from "./connection.js";
import { RoomError, sleep } from "./events.js";
import { EMPTY, applyDelta, fromSnapshot } from "./roster.js";
import { Signaling } from "./signaling.js";

/** @typedef {import("./media.js").LocalSource} LocalSource */
/** @typedef {import("./roster.js").Roster} Roster */
/**
 * Our own exchange: asked for, granted but with nothing to offer any more, or offered. `id` is the grant; null in `join`.
 * @typedef {{stage: "asked" | "granted" | "offering" | "offered", id: number | null, until: number, sources: string[]}} Exchange
 */
/**
 * @typedef {object} Listener
 * @property {(departures: {id: string, reason: string}[]) => void} changed
 * @property {(message: any) => void} message
 * @property {(error: RoomError) => void} error
 * @property {() => void} progress something that `state` depends on changed
 * @property {(source: string, error: RoomError | null) => void} settled a source is published, or refused
 * @property {(reason: string) => void} closed
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

/** One participant's conversation with the room. */
export class Session {
  /** @type {Map<string, LocalSource>} what is to be published */
  locals = new Map();
  /** @type {Roster} */
  roster = EMPTY;
  /** @type {Readonly<Record<string, string>>} */
  mids = {};
  /** @type {string | null} our participant id */
  self = null;
  /** @type {Record<string, number>} */
  limits = {};
  joined = false;
  /** @type {Connection | null} */
  connection = null;

  #listener;
  #signaling;
  #greeting;
  #data;
  /** @type {RTCIceServer[]} */
  #iceServers = [];
  /** @type {string | null} */
  #token = null;
  #epoch = 0;
  /** @type {Exchange | null} our own exchange; never two at once */
  #exchange = null;
  /** @type {Promise<void>} steps of the connection, one after the other */
  #steps = Promise.resolve();
  /** @type {Set<string>} sources reported as sending on this connection */
  #reported = new Set();
  /** The exchange applied last: its answer comes again if our `applied` was lost. */
  #applied = 0;
  #tries = 0;
  #epochs = 0;
  #looking = false;
  /** @type {Set<string>} dead publications already being replaced */
  #buried = new Set();
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  #timers = {};

  /**
   * @param {import("./rooms.js").OpenChannel} open
   * @param {{name?: string, attributes?: Record<string, string>, data: boolean}} options
   * @param {Listener} listener
   */
  constructor(open, { name, attributes, data }, listener) {
    this.#listener = listener;
    this.#greeting = { name, attributes };
    this.#data = data;
    this.#signaling = new Signaling(open, {
      message: (message) => this.#receive(message),
      down: () => this.#down(),
      refused: (reason) => this.#end(reason),
    });
  }

  /** Media got through before and does not now. */
  get interrupted() {
    const connection = this.connection;
    if (connection?.state !== "connecting") return connection?.state === "failed";
    return this.#epochs > 1 && (connection.sources.size > 0 || Object.keys(this.mids).length > 0);
  }

  /**
   * Say something the room takes at once; false while there is no room to say it to.
   * @param {object} message
   */
  say(message) {
    return this.joined && this.#signaling.send(message);
  }

  /**
   * Publish this source from now on.
   * @param {LocalSource} local
   */
  add(local) {
    this.locals.set(local.source, local);
    this.#reconcile();
  }

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
    this.say({ type: "mute", source: local.source, muted: local.muted });
  }

  /**
   * Publish this source no longer.
   * @param {string} source
   */
  remove(source) {
    if (!this.locals.delete(source)) return;
    // One that is still being offered is taken back when its exchange is over.
    if (this.#exchange?.sources.includes(source)) return;
    if (this.#retire(source)) this.say({ type: "unpublish", source });
  }

  /** Leave for good. */
  leave() {
    if (this.joined) this.#signaling.send({ type: "leave" });
    this.#end("left");
  }

  // -- what arrives ------------------------------------------------------------------------------------------------

  /** @type {Record<string, (message: any) => void>} */
  #handlers = {
    welcome: (message) => this.#welcomed(message),
    joined: (message) => this.#entered(message),
    snapshot: (message) => this.#adopt(message),
    delta: (message) => this.#delta(message),
    grant: (message) => this.#granted(message),
    answer: (message) => this.#step((connection) => this.#answered(connection, message)),
    offer: (message) => this.#current(message) && this.#step((connection) => this.#offered(connection, message)),
    mids: (message) => this.#current(message) && this.#step(async () => this.#attribute(message.mids)),
    replace: (message) => this.#replace(message),
    message: (message) => this.#listener.message(message),
    error: (message) => this.#refused(message),
    closed: (message) => this.#end(message.reason),
  };

  /** @param {any} message */
  #receive(message) {
    try {
      // Kinds of a later protocol are passed over.
      if (Object.hasOwn(this.#handlers, message.type)) this.#handlers[message.type](message);
    } catch (error) {
      this.#listener.error(new RoomError("internal", "A message of the room could not be dealt with.", error));
    }
  }

  /** @param {any} message */
  #welcomed({ ice_servers: iceServers, limits }) {
    this.#iceServers = iceServers;
    this.limits = limits;
    if (this.#token) this.#signaling.send({ type: "resume", token: this.#token, epoch: this.#epoch });
    else this.#join();
  }

  /** Come in on a fresh connection, with everything we publish in the first offer. */
  #join() {
    this.#open(0);
    const locals = this.#unplaced();
    if (locals.length) this.#exchange = { stage: "offering", id: null, until: 0, sources: names(locals) };
    this.#step(async (connection) => {
      const offer = locals.length ? await connection.offer(locals) : null;
      if (connection !== this.connection) return;
      if (this.#exchange) this.#exchange.stage = "offered";
      const rest = offer ? { offer: offer.sdp, tracks: offer.tracks } : {};
      this.#signaling.send({ type: "join", ...this.#greeting, ...rest });
      this.#deadline("exchange", ANSWER, () => this.#signaling.restart());
    });
  }

  /** @param {any} message */
  #entered({ participant, epoch, token, snapshot }) {
    const back = this.#token !== null;
    this.#signaling.settle();
    this.self = participant;
    this.#token = token;
    this.joined = true;
    if (!back) this.#epoch = epoch;
    if (this.#exchange) this.#deadline("exchange", ANSWER, () => this.#failed());
    else clearTimeout(this.#timers.exchange);
    this.roster = EMPTY;
    this.#adopt(snapshot);
    if (back) this.#catchUp();
    this.#listener.progress();
    this.#reconcile();
  }

  /** After a resume: say what could not be said meanwhile. */
  #catchUp() {
    for (const { source, muted } of this.#ownViews()) {
      const local = this.locals.get(source);
      if (!local) this.say({ type: "unpublish", source });
      else if (local.muted !== muted) this.say({ type: "mute", source, muted: local.muted });
    }
    const state = this.connection?.state;
    if (state === "failed" || state === "connected") this.#reportMedia(state);
  }

  /** @param {any} message */
  #adopt(message) {
    if (message.revision < this.roster.revision) return;
    this.roster = fromSnapshot(message);
    this.mids = message.mids;
    this.#listener.changed([]);
  }

  /** @param {any} message */
  #delta(message) {
    const roster = applyDelta(this.roster, message);
    if (roster === null) {
      this.say({ type: "snapshot" });
    } else if (roster !== this.roster) {
      this.roster = roster;
      this.#listener.changed(message.left ?? []);
      this.#reconcile();
    }
  }

  /** @param {Readonly<Record<string, string>>} mids */
  #attribute(mids) {
    this.mids = mids;
    this.#listener.changed([]);
  }

  // -- the connection ----------------------------------------------------------------------------------------------

  /** @param {{epoch: number}} message */
  #current({ epoch }) {
    if (epoch > this.#epoch && this.joined) this.#open(epoch); // Its `replace` never reached us.
    return epoch === this.#epoch;
  }

  /**
   * A fresh connection; the old one and all that was under way on it are forgotten.
   * @param {number} epoch
   */
  #open(epoch) {
    this.connection?.close();
    clearTimeout(this.#timers.exchange);
    clearTimeout(this.#timers.replacement);
    this.#epoch = epoch;
    this.#epochs += 1;
    this.#exchange = null;
    this.#reported.clear();
    this.#steps = Promise.resolve();
    this.mids = {};
    /** @type {Connection} */
    const connection = new Connection(this.#iceServers, {
      data: this.#data,
      report: (state) => connection === this.connection && this.#mediaChanged(state),
    });
    this.connection = connection;
    this.#listener.changed([]);
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

  /**
   * The connection is not what it should be: the room replaces it.
   * @param {unknown} [cause]
   */
  #failed(cause) {
    const state = this.connection?.state;
    if (!this.connection || state === "failed" || state === "closed") return;
    const sentence = "The media connection did not work out and is made anew.";
    this.#listener.error(new RoomError("negotiation_failed", sentence, cause));
    this.connection.state = "failed";
    this.#mediaChanged("failed");
  }

  /** @param {"connected" | "failed"} state */
  #mediaChanged(state) {
    this.#reportMedia(state);
    this.#listener.progress();
    if (state === "connected") this.#lookForPackets();
  }

  /** @param {"connected" | "failed"} state */
  #reportMedia(state) {
    this.say({ type: "media", epoch: this.#epoch, state, sending: [...this.#reported] });
    if (state === "failed") this.#deadline("replacement", REPLACEMENT, () => this.#signaling.restart());
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
        this.say({ type: "media", epoch: this.#epoch, sending });
        first = Infinity;
      }
      if (!missing.length && first === Infinity) break;
      await sleep(LOOK);
    }
    this.#looking = false;
    if (connection !== this.connection) this.#lookForPackets();
  }

  // -- exchanges ---------------------------------------------------------------------------------------------------

  /** Ask for what is wanted and not there. */
  #reconcile() {
    if (!this.joined || this.connection?.state === "failed") return;
    for (const { id, source, state } of this.#ownViews()) {
      if (state !== "dead" || this.#buried.has(id)) continue;
      this.#buried.add(id); // The SFU let go of it: a new publication of the same source takes its place.
      this.#retire(source);
    }
    if (!this.#unplaced().length) return;
    if (this.#exchange?.stage === "granted") this.#offer(this.#exchange);
    if (this.#exchange) return;
    this.#exchange = { stage: "asked", id: null, until: 0, sources: [] };
    this.#signaling.send({ type: "negotiate" });
    this.#deadline("exchange", ANSWER, () => this.#over());
  }

  /** @param {{grant: number, epoch: number, deadline: number}} message */
  #granted({ grant, epoch, deadline }) {
    if (epoch !== this.#epoch) return;
    if (!this.connection) this.#open(epoch);
    const until = performance.now() + deadline * 1_000;
    this.#offer({ stage: "offering", id: grant, until, sources: [] });
  }

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
        return this.#reconcile();
      }
      exchange.stage = "offered";
      this.#deadline("exchange", ANSWER, () => this.#failed());
      this.#signaling.send({ type: "offer", grant: exchange.id, sdp, tracks });
    });
  }

  /** @param {Exchange} exchange */
  #keep(exchange) {
    exchange.stage = "granted";
    exchange.sources = [];
    this.#deadline("exchange", Math.max(0, exchange.until - performance.now()), () => this.#over());
  }

  /** Our exchange is over, well or not. */
  #over() {
    clearTimeout(this.#timers.exchange);
    this.#exchange = null;
    this.#reconcile();
  }

  /**
   * @param {Connection} connection
   * @param {{exchange: number, epoch: number, sdp: string}} message
   */
  async #answered(connection, { exchange: id, epoch, sdp }) {
    const exchange = this.#exchange;
    if (epoch !== this.#epoch) return;
    if (exchange?.stage !== "offered" || (exchange.id ?? id) !== id) {
      if (id === this.#applied) this.#signaling.send({ type: "applied", exchange: id });
      return;
    }
    await connection.accept(sdp);
    this.#signaling.send({ type: "applied", exchange: id });
    this.#applied = id;
    this.#tries = 0;
    for (const source of exchange.sources) {
      if (this.locals.has(source)) this.#listener.settled(source, null);
      else if (this.#retire(source)) this.say({ type: "unpublish", source });
    }
    this.#over();
    this.#lookForPackets();
  }

  /**
   * @param {Connection} connection
   * @param {{exchange: number, sdp: string, mids: Record<string, string>}} message
   */
  async #offered(connection, { exchange, sdp, mids }) {
    const answer = await connection.answer(sdp);
    if (connection !== this.connection) return;
    this.#signaling.send({ type: "answer", exchange, sdp: answer });
    this.#attribute(mids);
  }

  /** @param {{epoch: number, grant: number | null, deadline: number}} message */
  #replace({ epoch, grant, deadline }) {
    if (epoch <= this.#epoch) return;
    this.#open(epoch);
    this.#listener.progress();
    if (grant !== null) this.#granted({ grant, epoch, deadline });
    else this.#reconcile();
  }

  /** @param {{code: string, message: string, in_reply_to?: string | null, source?: string | null}} refusal */
  #refused({ code, message, in_reply_to: subject, source }) {
    const error = new RoomError(code, message);
    if (subject === "resume") {
      // The room does not know us any more, as after a restart of the host: come in anew.
      this.#token = null;
      this.#join();
    } else if (subject === "join" && !this.joined) {
      this.#end(code, error);
    } else if (source) {
      this.#giveUp([source], error); // One source of an offer; the others' answer is on its way.
    } else if (subject === "join" || subject === "offer" || subject === "negotiate") {
      this.#withdraw(error);
    } else if (code !== "stale") {
      this.#listener.error(error);
    }
  }

  /**
   * Our offer was refused: take it back; try again where that may help, else give its sources up.
   * @param {RoomError} error
   */
  #withdraw(error) {
    const exchange = this.#exchange;
    if (!exchange) return;
    this.#step(async (connection) => {
      await connection.rollback();
      const passing = PASSING.includes(error.code);
      const again = passing && ++this.#tries < TRIES;
      if (again) await sleep(AGAIN * this.#tries);
      else this.#giveUp(exchange.sources.length ? exchange.sources : names(this.#unplaced()), error);
      if (connection !== this.connection || this.#exchange !== exchange) return;
      // What is refused for good leaves the grant open, and whoever holds one is given no other.
      if (!passing && exchange.stage === "offered" && exchange.id !== null) this.#offer(exchange);
      else this.#over();
    });
  }

  /**
   * @param {string[]} sources
   * @param {RoomError} error
   */
  #giveUp(sources, error) {
    this.#tries = 0;
    for (const source of sources) {
      this.locals.delete(source);
      this.#retire(source);
      this.#listener.settled(source, error);
    }
  }

  // -- the channel -------------------------------------------------------------------------------------------------

  #down() {
    const joining = this.#token === null;
    this.joined = false;
    clearTimeout(this.#timers.replacement);
    clearTimeout(this.#timers.exchange);
    // After the resume the room repeats a grant, and the answer to an offer that it has got.
    if (!joining && this.#exchange?.stage !== "offered") this.#exchange = null;
    this.#listener.progress();
  }

  /**
   * @param {string} reason
   * @param {RoomError} [error]
   */
  #end(reason, error) {
    this.joined = false;
    this.#signaling.stop();
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.connection?.close();
    this.connection = null;
    if (error) this.#listener.error(error);
    this.#listener.closed(reason);
  }

  // -- small things ------------------------------------------------------------------------------------------------

  #ownViews() {
    return (this.self && this.roster.participants.get(this.self)?.publications) || [];
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
