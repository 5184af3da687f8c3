// @ts-check
// Events and errors: the two things every other module speaks.

/** A refusal or a fault with a code for programs and a sentence for people. */
export class RoomError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {unknown} [cause] what the browser said
   */
  constructor(code, message, cause) {
    super(message, { cause });
    this.name = "RoomError";
    this.code = code;
  }
}

/** Listeners by event type. A listener that throws harms neither the room nor other listeners. */
export class Emitter {
  /** @type {Map<string, Set<(event: any) => void>>} */
  #listeners = new Map();

  /**
   * Listen; returns the function that stops listening.
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * @param {string} type
   * @param {unknown} event
   */
  emit(type, event) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        // The app's own bug: shown as an uncaught error would be, but not ours to die of.
        globalThis.reportError(error);
      }
    }
  }
}

/**
 * @param {number} milliseconds
 * @returns {Promise<void>}
 */
export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
