// @ts-check
// What the host says about the room, live: for those who look for the reason of something.

const INTERVAL = 1_000;

/** Shows a JSON document of the host, fetched again and again. */
export class Inspection {
  #box;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /** @param {string} url */
  start(url) {
    this.stop();
    this.#box.hidden = false;
    const look = () => this.#look(url);
    this.#timer = setInterval(look, INTERVAL);
    look();
  }

  stop() {
    clearInterval(this.#timer);
    this.#box.hidden = true;
  }

  /** @param {string} url */
  async #look(url) {
    try {
      const response = await fetch(url);
      this.#box.textContent = response.ok
        ? JSON.stringify(await response.json(), null, 2)
        : `The host shows nothing (${response.status}): inspection is for its own machine, or MEETING_INSPECT=1.`;
    } catch {
      this.#box.textContent = "The host cannot be reached.";
    }
  }
}
