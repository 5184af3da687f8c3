// @ts-check
// What shall go wrong: the usual by a button, anything else by a line of text.

import { byId, draw, html } from "./dom.js";

/** @import { Fault } from "./types.js" */

const KINDS = [
  "delay seconds=1",
  "delay_request seconds=5",
  "refuse nth=1",
  "lose_answer nth=1",
  "stall nth=1 seconds=5",
  "status nth=1 status=503 retry_after=1",
  "html nth=1 status=502",
  "garbage nth=1 body=cut landed=true",
  "omit nth=1 operation=new_tracks field=sessionDescription",
  "item_error track=",
  "no_repointing",
  "kill_session session=",
  "cut session=",
  "silence session=",
  "loss share=0.1",
  "jitter seconds=0.1",
  "clock speed=10",
];

const USUAL = [
  ["Lose next answer", "lose_answer nth=1", "The next call lands, and its answer is lost"],
  ["Refuse next call", "refuse nth=1", "The connection breaks before the next call lands"],
  [
    "503 next",
    "status nth=1 status=503 code=retryable_transient_error retry_after=1",
    "The next call is answered 503",
  ],
  ["Delay 1 s", "delay seconds=1", "Every answer is sent a second late"],
];

export class Faults {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {Fault[]} */
    this.armed = [];
    byId("usual").append(
      ...USUAL.map(([words, fault, title]) =>
        html("button", { title, "data-fault": fault, onclick: () => this.add(fault) }, words),
      ),
    );
    byId("kinds").append(...KINDS.map((value) => html("option", { value })));
    byId("clear").addEventListener("click", () => this.send("DELETE", ""));
    byId("any").addEventListener("submit", async (/** @type {any} */ event) => {
      event.preventDefault();
      const { fault } = event.target.elements;
      if (fault.value.trim() && (await this.add(fault.value))) fault.value = "";
    });
  }

  /** @param {string | object} fault */
  add(fault) {
    return this.send("POST", "", fault);
  }

  /** @param {string} id */
  remove(id) {
    return this.send("DELETE", `/${id}`);
  }

  /**
   * What holds of a kind for a session.
   * @param {string} kind
   * @param {string} session
   * @param {string} [track]
   */
  find(kind, session, track) {
    return this.armed.find(
      (fault) => fault.kind === kind && fault.session === session && fault.track === track,
    );
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   */
  async send(method, path, body) {
    const refused = byId("refused");
    try {
      const answer = await fetch(`faults${path}`, {
        method,
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const json = await answer.json();
      refused.hidden = answer.ok || answer.status === 404;
      refused.textContent = json.errorDescription ?? "";
      return answer.ok;
    } catch {
      return false; // the page says by itself that nobody answers
    } finally {
      this.changed();
    }
  }

  /** @param {{ faults: Fault[] }} view */
  show(view) {
    this.armed = view.faults;
    byId("asked").hidden = view.faults.length === 0;
    draw(byId("waiting"), view.faults, () => view.faults.map((fault) => this.chip(fault)));
  }

  /** @param {Fault} fault */
  chip(fault) {
    const { id, kind, seen, hits, ...fields } = fault;
    const words = Object.entries(fields).map(([name, value]) => `${name}=${short(name, value)}`);
    return html(
      "li",
      { class: "chip", title: `${seen} seen, ${hits} hit` },
      html("b", {}, kind),
      words.length > 0 && ` ${words.join(" ")}`,
      hits > 0 && html("span", { class: "count" }, `${hits}×`),
      html("button", { "aria-label": `Take back ${kind}`, onclick: () => this.remove(id) }, "×"),
    );
  }
}

/**
 * @param {string} name
 * @param {any} value
 */
function short(name, value) {
  return name === "session" && String(value).length > 12 ? `${value.slice(0, 6)}…` : String(value);
}
