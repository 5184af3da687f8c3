// @ts-check
// The conversation beside the pictures.

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const KEPT = 500;

/** What was said and what happened, in a log that screen readers read out. */
export class Chat {
  #log;
  /** @type {string | null} who spoke last: a second message needs no name */
  #last = null;

  /** @param {HTMLElement} log */
  constructor(log) {
    this.#log = log;
  }

  clear() {
    this.#log.replaceChildren();
    this.#last = null;
  }

  /**
   * @param {{by: string, name: string, text: string, mine: boolean}} message
   */
  said({ by, name, text, mine }) {
    const item = document.createElement("li");
    if (mine) item.dataset.mine = "";
    if (this.#last !== by) {
      const head = document.createElement("div");
      head.className = "by";
      const time = document.createElement("time");
      time.textContent = TIME.format(new Date());
      head.append(mine ? "You" : name, time);
      item.append(head);
    }
    const body = document.createElement("div");
    body.className = "said";
    body.textContent = text;
    item.append(body);
    this.#append(item);
    this.#last = by;
  }

  /** @param {string} text */
  happened(text) {
    const item = document.createElement("li");
    item.dataset.event = "";
    item.textContent = text;
    this.#append(item);
    this.#last = null;
  }

  /** @param {HTMLElement} item */
  #append(item) {
    const log = this.#log;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    log.append(item);
    while (log.children.length > KEPT) log.firstElementChild?.remove();
    if (atEnd || item.hasAttribute("data-mine")) log.scrollTop = log.scrollHeight;
  }
}
