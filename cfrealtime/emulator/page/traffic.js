// @ts-check
// How much flows: the difference between one look at the counters and the next.

/** @import { Session, State, Track } from "./types.js" */

/** Looks remembered for the curve in the header. */
export const KEPT = 90;

export class Traffic {
  constructor() {
    /** @type {Map<string, { bytes: number, bits: number | null }>} */
    this.tracks = new Map();
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
    const tracks = new Map();
    const sum = { up: 0, down: 0 };
    for (const session of state.sessions) {
      for (const track of session.tracks) {
        if (track.bytes === null) continue;
        this.real = true;
        const key = keyOf(session, track);
        const before = this.tracks.get(key);
        // Counters begin anew when a section is used again.
        const more = before && track.bytes >= before.bytes ? track.bytes - before.bytes : null;
        const bits = more === null || this.at === 0 ? null : (8 * more) / passed;
        tracks.set(key, { bytes: track.bytes, bits });
        sum[track.location === "local" ? "up" : "down"] += bits ?? 0;
      }
    }
    this.tracks = tracks;
    if (this.at > 0) this.history = [...this.history, sum].slice(-KEPT);
    this.at = now;
  }

  /**
   * Bits a second of one track; null when that is not known.
   * @param {Session} session
   * @param {Track} track
   */
  of(session, track) {
    return this.tracks.get(keyOf(session, track))?.bits ?? null;
  }

  /**
   * Bits a second that a session sends ("local") or is sent ("remote").
   * @param {Session} session
   * @param {"local" | "remote"} location
   */
  sum(session, location) {
    const known = session.tracks.filter((track) => track.location === location);
    return known.reduce((sum, track) => sum + (this.of(session, track) ?? 0), 0);
  }

  /** All that comes and all that goes, now. */
  get now() {
    return this.history.at(-1) ?? { up: 0, down: 0 };
  }
}

/**
 * @param {Session} session
 * @param {Track} track
 */
function keyOf(session, track) {
  return `${session.session_id} ${track.location} ${track.mid}`;
}
