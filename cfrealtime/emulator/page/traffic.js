// @ts-check
// How much flows: the difference between one look at the counters and the next.

/** @import { Adapter, Channel, Session, State, Track } from "./types.js" */

/** Looks remembered for the curve in the header. */
export const KEPT = 90;

export class Traffic {
  constructor() {
    /** @type {Map<string, { bytes: number, bits: number | null }>} */
    this.counters = new Map();
    /** @type {{ up: number, down: number }[]} */
    this.history = [];
    this.at = 0;
    /** Whether packets are real at all. */
    this.real = false;
  }

  /**
   * Take another look.
   * @param {State} state
   * @param {number} now in seconds
   */
  look(state, now) {
    const passed = now - this.at;
    const counters = new Map();
    const sum = { up: 0, down: 0 };
    const count = (
      /** @type {string} */ key,
      /** @type {"local" | "remote"} */ location,
      /** @type {number | null} */ bytes,
    ) => {
      if (bytes === null) return;
      const before = this.counters.get(key);
      // Counters begin anew when a section is used again.
      const more = before && bytes >= before.bytes ? bytes - before.bytes : null;
      const bits = more === null || this.at === 0 ? null : (8 * more) / passed;
      counters.set(key, { bytes, bits });
      sum[location === "local" ? "up" : "down"] += bits ?? 0;
    };
    for (const session of state.sessions) {
      if (session.tracks.some((track) => track.bytes !== null)) this.real = true;
      for (const one of [...session.tracks, ...session.data_channels])
        count(keyOf(session, one), one.location, one.bytes);
    }
    // What an adapter brings is what its session sends.
    for (const { adapter_id: id, location, bytes_processed: bytes } of state.adapters)
      if (location === "remote") count(id, location, bytes);
    this.counters = counters;
    if (this.at > 0) this.history = [...this.history, sum].slice(-KEPT);
    this.at = now;
  }

  /**
   * Bits a second of one track or data channel; null when that is not known.
   * @param {Session} session
   * @param {Track | Channel} one
   */
  of(session, one) {
    return this.counters.get(keyOf(session, one))?.bits ?? null;
  }

  /**
   * Bits a second that an adapter sends; null when that is not known.
   * @param {Adapter} adapter
   */
  to(adapter) {
    return this.counters.get(adapter.adapter_id)?.bits ?? null;
  }

  /**
   * Bits a second that a session sends ("local") or is sent ("remote").
   * @param {Session} session
   * @param {"local" | "remote"} location
   */
  sum(session, location) {
    const known = [...session.tracks, ...session.data_channels].filter((one) => one.location === location);
    return known.reduce((sum, one) => sum + (this.of(session, one) ?? 0), 0);
  }

  /** All that comes and all that goes, now. */
  get now() {
    return this.history.at(-1) ?? { up: 0, down: 0 };
  }
}

/**
 * @param {Session} session
 * @param {Track | Channel} one
 */
function keyOf(session, one) {
  const place = "mid" in one ? `${one.location} ${one.mid}` : `data ${one.id}`;
  return `${session.session_id} ${place}`;
}
