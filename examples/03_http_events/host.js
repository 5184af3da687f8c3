// @ts-check
// The page's way to a host without WebSockets: `fetch` in both directions.
//
// An EventSource would do for receiving, but it can send no header, so its secret would have to be in the address, where
// every log on the way keeps it; nor does it tell with which status it was refused. Reading the stream ourselves is short.

import { RoomError } from "/cfrealtime/rooms.js";

/** @typedef {import("/cfrealtime/rooms.js").Channel} Channel */
/** @typedef {import("/cfrealtime/rooms.js").OpenChannel} OpenChannel */
/** @typedef {Parameters<OpenChannel>[0]} Events */
/** @typedef {{channel: string, secret: string}} Seat what `/joinRoom` gives */

/** The host beats every five seconds; a stream that is silent for longer than this is dead. */
const SILENCE = 15_000;

/**
 * Nobody is expected: whoever comes says who they are.
 * @returns {Promise<null>}
 */
export async function invitation() {
  return null;
}

/**
 * What a `Room` is made with.
 * @param {string} room
 * @param {string} name
 */
export function way(room, name) {
  /** @type {Seat | null} as long as the host knows it, whoever opens a stream with it is the same person */
  let known = null;
  /**
   * @param {Events} events
   * @returns {Promise<Channel>}
   */
  const channel = async (events) => {
    const seat = (known ??= await joinRoom(room, name));
    const giveUp = new AbortController();
    const response = await call(seat, "GET", "/events", { signal: giveUp.signal });
    if (response.status === 404) known = null; // Forgotten: the next attempt joins anew.
    if (!response.ok || !response.body) throw new Error(`The stream was answered with ${response.status}.`);
    return new HttpChannel(seat, response.body, giveUp, events);
  };
  return { url: "/", options: { channel } };
}

/**
 * @param {string} room
 * @param {string} name
 * @returns {Promise<Seat>}
 */
async function joinRoom(room, name) {
  const response = await fetch("/joinRoom", { method: "POST", body: JSON.stringify({ room, name }) });
  if (response.ok) return await response.json();
  const { code, message } = await response.json();
  // Anything else than a refusal is tried again by the room.
  throw response.status < 500 ? new RoomError(code, message) : new Error(message);
}

/**
 * A request of a seat: its id is in the address, its secret is not.
 * @param {Seat} seat
 * @param {string} method
 * @param {string} path
 * @param {RequestInit & {stream?: number}} [options]
 */
async function call({ channel, secret }, method, path, { stream, ...options } = {}) {
  const query = new URLSearchParams({ channel, ...(stream !== undefined && { stream: String(stream) }) });
  return await fetch(`${path}?${query}`, { method, headers: { Authorization: `Bearer ${secret}` }, ...options });
}

/** One stream with the messages that go the other way. @implements {Channel} */
class HttpChannel {
  #seat;
  #giveUp;
  #events;
  /** @type {number | undefined} which stream of ours this is */
  #stream;
  /** @type {string[]} */
  #waiting = [];
  #sending = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;

  /**
   * @param {Seat} seat
   * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
   * @param {AbortController} giveUp
   * @param {Events} events
   */
  constructor(seat, body, giveUp, events) {
    this.#seat = seat;
    this.#giveUp = giveUp;
    this.#events = events;
    this.#read(body);
  }

  /** @param {string} text */
  send(text) {
    if (JSON.parse(text).type === "leave") return this.#leave();
    this.#waiting.push(text);
    this.#post();
  }

  close() {
    clearTimeout(this.#silence);
    this.#giveUp.abort();
  }

  /** Leaving does not wait for its turn: the page may be about to close, and `keepalive` requests outlive it. */
  #leave() {
    // navigator.sendBeacon() does the same, but can send no header.
    call(this.#seat, "POST", "/leaveRoom", { keepalive: true }).catch(() => {});
  }

  /** One request after the other: the order of messages is the order of requests. */
  async #post() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#waiting.length) {
        const response = await this.#call("/messages", this.#waiting[0]);
        if (response.status === 429) await new Promise((resolve) => setTimeout(resolve, 1_000));
        else if (!response.ok) throw new Error(`A message was answered with ${response.status}.`);
        else this.#waiting.shift();
      }
    } catch {
      // Whether it arrived is not known. With a new stream the room and the client tell each other what they have.
      this.#lost();
    }
    this.#sending = false;
  }

  /**
   * @param {string} path
   * @param {string} [body]
   */
  #call(path, body) {
    return call(this.#seat, "POST", path, { stream: this.#stream, body, signal: this.#giveUp.signal });
  }

  /** @param {ReadableStream<Uint8Array<ArrayBuffer>>} body */
  async #read(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        clearTimeout(this.#silence);
        this.#silence = setTimeout(() => this.#lost(), SILENCE);
        const blocks = (rest + piece.value).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) this.#take(block);
      }
    } catch {
      // The connection broke, or was given up.
    }
    this.#lost();
  }

  /** @param {string} block one event as it was sent: `event: …`, `data: …` */
  #take(block) {
    const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
    if (fields.event === "message") this.#events.message(fields.data);
    if (fields.event === "open") this.#stream = JSON.parse(fields.data).stream;
    if (fields.event === "beat") this.#call("/beat").catch(() => {}); // A stream that is lost shows by its own silence.
    if (fields.event !== "end") return;
    const { code, reason } = JSON.parse(fields.data);
    if (code >= 4000) this.#events.refused(reason || "refused"); // As over a WebSocket.
  }

  #lost() {
    this.close();
    this.#events.close();
  }
}
