// @ts-check
// The room as the host sees it, live: for those who look for the reason of something. One card per session, with what
// it should receive against what it does, and what happened last.

const INTERVAL = 1_000;
const STEPS = 14;

/**
 * @param {string} tag
 * @param {string} text
 * @param {...(Node | string)} children
 */
function make(tag, text = "", ...children) {
  const element = document.createElement(tag);
  element.append(text, ...children);
  return element;
}

/**
 * @param {string} title
 * @param {string[]} lines
 */
function list(title, lines) {
  const items = lines.map((line) => make("li", line));
  return make("div", "", make("h3", title), make("ul", "", ...(items.length ? items : [make("li", "–")])));
}

/** Shows what the host's `Rooms.inspect` says, again and again. */
export class Inspection {
  #box;
  #cards = make("div");
  #raw = make("pre");
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
    this.#cards.className = "cards";
    const details = make("details", "", make("summary", "All of it, as JSON"), this.#raw);
    box.append(this.#cards, details);
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
      const room = await response.json();
      if (response.ok) this.#show(room);
      else this.#cards.textContent = room.detail ?? `The host answers ${response.status}.`;
    } catch {
      this.#cards.textContent = "The host does not say.";
    }
  }

  /** @param {any} room */
  #show(room) {
    const participants = room.participants ?? [];
    /** @type {Map<string, string>} */
    const names = new Map();
    for (const { name, publications } of participants) {
      for (const { id, source } of publications) names.set(id, `${name}’s ${source}`);
    }
    const cards = participants.map((/** @type {any} */ participant) => card(participant, names));
    const debts = (room.ledger ?? []).map(
      (/** @type {any} */ debt) => `${debt.session_id}: ${debt.mids?.join(" ") ?? "unknown"}, ${debt.age} s, ${debt.tries} tries`,
    );
    this.#cards.replaceChildren(...cards, ...(debts.length ? [make("article", "", list("Still to close", debts))] : []));
    this.#raw.textContent = JSON.stringify(room, null, 2);
  }
}

/**
 * @param {any} participant
 * @param {ReadonlyMap<string, string>} names of publications
 */
function card(participant, names) {
  const { publications, actual, wanted, timeline } = participant;
  const called = (/** @type {string | null} */ id) => (id === null ? "spare" : (names.get(id) ?? "gone"));
  const received = new Set(Object.values(actual));
  const published = publications.map((/** @type {any} */ p) =>
    [`${p.mid ?? "–"}  ${p.source}`, p.state, p.sending ? "sending" : "silent", p.muted && "muted"].filter(Boolean).join(", "),
  );
  const receiving = Object.entries(actual).map(([mid, id]) => `${mid}  ${called(id)}`);
  const missing = wanted.filter((/** @type {string} */ id) => !received.has(id)).map(called);
  const steps = timeline.slice(-STEPS).reverse();
  const state = [
    `epoch ${participant.epoch}`,
    participant.phase,
    participant.connected ? "channel up" : "channel down",
    participant.media_connected ? "media connected" : "media not connected",
  ];
  return make(
    "article",
    "",
    make("h2", participant.name),
    make("p", state.join(" · ")),
    list("Publishes", published),
    list("Receives", receiving),
    ...(missing.length ? [list("Wanted, not there yet", missing)] : []),
    list("Lately", steps.map((/** @type {any} */ step) => `${step.ago.toFixed(1)} s ago  ${step.what}`)),
  );
}
