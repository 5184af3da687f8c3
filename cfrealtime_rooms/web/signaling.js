// @ts-check
// The channel to the room: opens it, opens it again whenever it drops, and speaks JSON on it.

import { RoomError } from "./events.js";

/** @typedef {import("./rooms.js").Channel} Channel */
/** @typedef {import("./rooms.js").OpenChannel} OpenChannel */
/** @typedef {{message: (message: any) => void, down: () => void, refused: (why: string | RoomError) => void}} Listener */

const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 5_000;
/** A channel that shows no sign of life this long after it was asked for is given up. */
const OPENING = 10_000;

/**
 * The default channel: a WebSocket. A host that closes with 1008 or 4000-4999 refuses for good.
 * @param {string | URL | (() => string | URL | Promise<string | URL>)} url
 * @returns {OpenChannel}
 */
export function webSocketChannel(url) {
  return async (events) => {
    const address = new URL(typeof url === "function" ? await url() : url, globalThis.location?.href);
    address.protocol = address.protocol.replace(/^http/, "ws");
    const socket = new WebSocket(address);
    socket.onmessage = (event) => events.message(event.data);
    socket.onclose = ({ code, reason }) =>
      code === 1008 || code >= 4000 ? events.refused(reason || "refused") : events.close();
    return { send: (text) => socket.send(text), close: () => socket.close() };
  };
}

/** One channel at a time, reopened with growing pauses until it is stopped. */
export class Signaling {
  #open;
  #listener;
  /** @type {Channel | null} */
  #channel = null;
  #attempt = 0;
  /** Which opening the events belong to: those of an earlier one are nobody's. */
  #generation = 0;
  #stopped = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** The network came back: do not sit out the pause. */
  #hurry = () => {
    if (this.#pausing) this.#start();
  };
  #pausing = false;

  /**
   * @param {OpenChannel} open
   * @param {Listener} listener
   */
  constructor(open, listener) {
    this.#open = open;
    this.#listener = listener;
    globalThis.addEventListener?.("online", this.#hurry);
    this.#start();
  }

  /**
   * Send if there is a channel; the caller says things anew after a reconnect.
   * @param {object} message
   * @returns {boolean}
   */
  send(message) {
    try {
      this.#channel?.send(JSON.stringify(message));
      return this.#channel !== null;
    } catch {
      return false;
    }
  }

  /** The room talks to us: the channel is good, the next drop starts with a short pause again. */
  settle() {
    this.#attempt = 0;
  }

  /** Give this channel up and open another. */
  restart() {
    const channel = this.#channel;
    this.#dropped(this.#generation);
    channel?.close();
  }

  /** Close for good. */
  stop() {
    this.#stopped = true;
    this.#generation += 1;
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.("online", this.#hurry);
    this.#channel?.close();
    this.#channel = null;
  }

  async #start() {
    clearTimeout(this.#timer);
    this.#pausing = false;
    const generation = ++this.#generation;
    const current = () => generation === this.#generation;
    this.#timer = setTimeout(() => current() && this.restart(), OPENING);
    /** @type {string[]} what arrives before we can answer */
    const early = [];
    try {
      const channel = await this.#open({
        message: (text) => current() && (this.#channel ? this.#receive(text) : early.push(text)),
        close: () => this.#dropped(generation),
        refused: (why) => current() && this.#refused(why),
      });
      if (!current()) return channel.close();
      this.#channel = channel;
      for (const text of early) this.#receive(text);
    } catch (error) {
      await null; // A channel that throws at once does so before our owner has us.
      if (error instanceof RoomError && current()) this.#refused(error);
      else this.#dropped(generation);
    }
  }

  /** @param {string} text */
  #receive(text) {
    clearTimeout(this.#timer);
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // Not of this protocol; a host may say other things on its channel.
    }
    if (typeof message?.type === "string") this.#listener.message(message);
  }

  /** @param {number} generation */
  #dropped(generation) {
    if (generation !== this.#generation || this.#stopped) return;
    this.#generation += 1;
    this.#channel = null;
    clearTimeout(this.#timer);
    const pause = Math.min(FIRST_PAUSE * 2 ** this.#attempt++, LONGEST_PAUSE);
    this.#pausing = true;
    // Jitter: a restarted host is not met by everyone in the same instant.
    this.#timer = setTimeout(() => this.#start(), pause * (0.6 + 0.4 * Math.random()));
    this.#listener.down();
  }

  /** @param {string | RoomError} why */
  #refused(why) {
    this.stop();
    this.#listener.refused(why);
  }
}
