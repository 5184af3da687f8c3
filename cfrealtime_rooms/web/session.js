// @ts-check
// A participant's conversation with the room: welcome, join or resume, the roster, and who gets which message.

import { RoomError } from "./events.js";
import { Negotiation } from "./negotiation.js";
import { EMPTY, applyDelta, fromSnapshot } from "./roster.js";
import { Signaling } from "./signaling.js";

/** @typedef {import("./roster.js").Roster} Roster */
/**
 * @typedef {object} Listener
 * @property {(departures: {id: string, reason: string}[]) => void} changed who is there, or whose media is whose
 * @property {(message: any) => void} message
 * @property {(error: RoomError) => void} error
 * @property {() => void} rights the host has changed what we may do
 * @property {() => void} progress something that the room's state depends on changed
 * @property {(source: string, error: RoomError | null) => void} settled a source is published, or refused
 * @property {(reason: string, error?: RoomError) => void} closed with the refusal, if it was one
 */

/** @type {import("./rooms.js").Rights} */
const EVERYTHING = Object.freeze({ publish: null, subscribe: true, message: true, muted: [] });

/** The version of signaling that is spoken here: docs/signaling.md says what changes it. */
const PROTOCOL = 1;

/** One participant's conversation with the room. */
export class Session {
  /** @type {Roster} */
  roster = EMPTY;
  /** @type {string | null} our participant id */
  self = null;
  /** @type {Record<string, number>} */
  limits = {};
  /** @type {import("./rooms.js").Rights} */
  rights = EVERYTHING;
  joined = false;
  negotiation;

  #listener;
  #signaling;
  #greeting;
  /** @type {string | null} */
  #token = null;

  /**
   * @param {import("./rooms.js").OpenChannel} open
   * @param {{name?: string, attributes?: Record<string, string>, data: boolean}} options
   * @param {Listener} listener
   */
  constructor(open, { name, attributes, data }, listener) {
    this.#listener = listener;
    this.#greeting = { name, attributes };
    this.negotiation = new Negotiation(data, {
      say: (message) => this.say(message),
      joined: () => this.joined,
      published: () => (this.self && this.roster.participants.get(this.self)?.publications) || [],
      allows: (source) => this.allows(source),
      restart: () => this.#signaling.restart(),
      changed: () => listener.changed([]),
      progress: listener.progress,
      error: listener.error,
      settled: listener.settled,
    });
    this.#signaling = new Signaling(open, {
      message: (message) => this.#receive(message),
      down: () => this.#down(),
      refused: (why) => (why instanceof RoomError ? this.#end(why.code, why) : this.#end(why)),
    });
  }

  /**
   * Say something to the room; false while we are not in it.
   * @param {object} message
   */
  say(message) {
    return this.joined && this.#signaling.send(message);
  }

  /**
   * Whether the host lets us publish a source.
   * @param {string} source
   */
  allows(source) {
    const { publish, muted } = this.rights;
    return (!publish || publish.includes(source)) && !muted.includes(source);
  }

  /** Leave for good. */
  leave() {
    this.say({ type: "leave" });
    this.#end("left");
  }

  /** @type {Record<string, (message: any) => void>} */
  #handlers = {
    welcome: (message) => this.#welcomed(message),
    joined: (message) => this.#entered(message),
    snapshot: (message) => this.#adopt(message),
    delta: (message) => this.#delta(message),
    grant: (message) => this.negotiation.granted(message),
    answer: (message) => this.negotiation.answered(message),
    offer: (message) => this.negotiation.offered(message),
    mids: (message) => this.negotiation.mapped(message),
    replace: (message) => this.negotiation.replace(message),
    message: (message) => this.#listener.message(message),
    rights: (message) => this.#setRights(message.rights),
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
  #welcomed({ protocol, ice_servers: iceServers, limits }) {
    if (protocol !== PROTOCOL) {
      const why = new RoomError("protocol_unknown", "The room speaks another version of its protocol: load the page anew.");
      return this.#end(why.code, why);
    }
    this.negotiation.iceServers = iceServers;
    this.limits = limits;
    if (this.#token === null) this.#join();
    else this.#signaling.send({ type: "resume", token: this.#token, epoch: this.negotiation.epoch });
  }

  #join() {
    this.#token = null;
    this.negotiation.join((offer) => this.#signaling.send({ type: "join", ...this.#greeting, ...offer }));
  }

  /** @param {any} message */
  #entered({ participant, epoch, token, snapshot, rights }) {
    const back = this.#token !== null;
    this.#signaling.settle();
    this.roster = fromSnapshot(snapshot);
    this.self = participant;
    this.#token = token;
    this.joined = true;
    if (!back) this.negotiation.epoch = epoch;
    this.negotiation.mids = snapshot.mids;
    this.negotiation.entered();
    this.#listener.changed([]);
    if (rights) this.#setRights(rights);
    if (back) this.negotiation.catchUp();
    this.#listener.progress();
    this.negotiation.reconcile();
  }

  /** @param {any} snapshot */
  #adopt(snapshot) {
    if (snapshot.revision < this.roster.revision) return;
    this.roster = fromSnapshot(snapshot);
    this.negotiation.mids = snapshot.mids;
    this.#listener.changed([]);
    this.negotiation.reconcile();
  }

  /** @param {any} rights */
  #setRights(rights) {
    const before = JSON.stringify(this.rights);
    this.rights = Object.freeze({ ...EVERYTHING, ...rights });
    if (JSON.stringify(this.rights) !== before) this.#listener.rights();
  }

  /** @param {any} message */
  #delta(message) {
    const roster = applyDelta(this.roster, message);
    if (roster === null) {
      this.say({ type: "snapshot" });
    } else if (roster !== this.roster) {
      this.roster = roster;
      this.#listener.changed(message.left ?? []);
      this.negotiation.reconcile();
    }
  }

  /** @param {{code: string, message: string, in_reply_to?: string | null, source?: string | null}} refusal */
  #refused({ code, message, in_reply_to: subject, source }) {
    const error = new RoomError(code, message);
    // An unknown token, as after a restart of the host: come in anew.
    if (subject === "resume") this.#join();
    else if (subject === "join" && !this.joined) this.#end(code, error);
    else if (source) this.negotiation.refusedSource(source, error);
    else if (subject === "join" || subject === "offer" || subject === "negotiate") this.negotiation.refused(error);
    else if (code !== "stale") this.#listener.error(error);
  }

  #down() {
    this.joined = false;
    this.negotiation.pause();
    this.#listener.progress();
  }

  /**
   * @param {string} reason
   * @param {RoomError} [error]
   */
  #end(reason, error) {
    this.joined = false;
    this.#signaling.stop();
    this.negotiation.stop();
    if (error) this.#listener.error(error);
    this.#listener.closed(reason, error);
  }
}
