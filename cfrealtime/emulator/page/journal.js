// @ts-check
// What was called and what happened, newest first.

import { byId, called, draw, html } from "./dom.js";

/** @import { Breach, Call, Happening, Held, Journal, Session } from "./types.js" */

/** Calls shown. */
export const SHOWN = 250;

/** Events that are no good news. */
const TROUBLE = /lost|ended|collected|closed/;

export class JournalTable {
  /** @param {(sessionId: string) => void} select */
  constructor(select) {
    this.select = select;
    this.form = byId("filters");
    this.rows = /** @type {Element} */ (document.querySelector("#journal tbody"));
    /** @type {Journal} */
    this.journal = { calls: [], breaches: [], events: [], held: [] };
    /** @type {Session[]} */
    this.sessions = [];
    this.form.addEventListener("change", () => this.draw());
  }

  /**
   * @param {Journal} journal
   * @param {Session[]} sessions
   */
  show(journal, sessions) {
    this.journal = journal;
    this.sessions = sessions;
    const operations = [...new Set(journal.calls.flatMap((call) => call.operation ?? []))].sort();
    choices(
      this.form.elements.operation,
      "every operation",
      operations.map((name) => [name, name]),
    );
    choices(
      this.form.elements.session,
      "every session",
      sessions.map((session) => [session.session_id, `#${session.number} ${called(session)}`]),
    );
    this.held(journal.held);
    this.draw();
  }

  draw() {
    const { calls, breaches, events } = this.journal;
    const wants = this.form.elements;
    const broken = new Map(breaches.map((breach) => [breach.n, breach]));
    /** @type {(one: { session_id: string | null }) => boolean} */
    const ofSession = (one) => !wants.session.value || one.session_id === wants.session.value;
    const called = calls.filter(
      (call) =>
        (!wants.operation.value || call.operation === wants.operation.value) &&
        (!wants.problems.checked || isProblem(call, broken)),
    );
    const happened = events.filter(
      (event) =>
        wants.events.checked &&
        !wants.operation.value &&
        (!wants.problems.checked || TROUBLE.test(event.event)),
    );
    const rows = [
      ...called.filter(ofSession).map((call) => ({ after: call.n, order: 0, call })),
      ...happened.filter(ofSession).map((event, i) => ({ after: event.after, order: i + 1, event })),
    ].sort((a, b) => b.after - a.after || b.order - a.order);
    draw(this.rows, [rows, breaches], () => {
      if (rows.length > 0)
        return rows.map((row) =>
          "call" in row ? this.call(row.call, broken.get(row.call.n)) : this.event(row.event),
        );
      const words = calls.length === 0 ? "Nothing was called yet." : "Nothing fits.";
      return [html("tr", {}, html("td", { colspan: 7, class: "hint" }, words))];
    });
  }

  /**
   * @param {Call} call
   * @param {Breach | undefined} breach
   */
  call(call, breach) {
    const kind = breach ? "breach" : call.seconds === null ? "open" : "";
    return html(
      "tr",
      { class: kind },
      html("td", { class: "number" }, call.n),
      html("td", { class: "number" }, seconds(call.at)),
      html("td", {}, call.operation ?? call.request),
      html("td", {}, this.session(call.session_id)),
      html("td", { class: "names", title: call.track_names.join("\n") }, names(call.track_names)),
      html("td", {}, outcome(call, breach)),
      html("td", { class: "number" }, duration(call.seconds)),
    );
  }

  /** @param {Happening} event */
  event(event) {
    return html(
      "tr",
      { class: "event" },
      html("td"),
      html("td", { class: "number" }, seconds(event.at)),
      html("td", {}, event.event.replaceAll("_", " ")),
      html("td", {}, this.session(event.session_id)),
      html("td", { colspan: 3 }, event.detail),
    );
  }

  /** @param {string | null} id */
  session(id) {
    if (id === null) return "";
    const found = this.sessions.find((session) => session.session_id === id);
    if (!found) return html("code", {}, id.slice(0, 6));
    return html(
      "button",
      { class: "link", onclick: () => this.select(id) },
      `#${found.number} `,
      html("code", {}, called(found)),
    );
  }

  /** @param {Held[]} held */
  held(held) {
    const place = byId("held");
    draw(place.querySelector("summary"), held.length, () => [
      held.length === 0 ? "nothing is held" : `${held.length} held now`,
    ]);
    draw(place.querySelector("ul"), held, () =>
      held.map((leak) =>
        html(
          "li",
          {},
          leak.what,
          leak.since !== null && html("span", { class: "hint" }, ` since call ${leak.since}`),
        ),
      ),
    );
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {string} every
 * @param {string[][]} options
 */
function choices(select, every, options) {
  const value = select.value;
  draw(select, options, () =>
    [["", every], ...options].map(([id, words]) => html("option", { value: id }, words)),
  );
  select.value = options.some(([id]) => id === value) ? value : "";
}

/**
 * @param {Call} call
 * @param {Map<number, Breach>} breaches
 */
function isProblem(call, breaches) {
  return (
    grade(call) !== "good" || call.item_errors.length > 0 || call.faults.length > 0 || breaches.has(call.n)
  );
}

/** @param {Call} call */
function grade(call) {
  if (call.seconds === null) return "pending";
  if (call.status === null || call.status >= 500) return "bad";
  return call.status >= 400 || call.item_errors.length > 0 ? "poor" : "good";
}

/**
 * What became of a call.
 * @param {Call} call
 * @param {Breach | undefined} breach
 */
function outcome(call, breach) {
  const status = call.seconds === null ? "…" : (call.status ?? "no answer");
  const count = (/** @type {string} */ code) => call.item_errors.filter((other) => other === code).length;
  const errors = [...new Set(call.item_errors)].map((code) =>
    count(code) > 1 ? `${code} ×${count(code)}` : code,
  );
  return [
    html("span", { class: `status ${grade(call)}` }, status),
    call.error_code && html("span", { class: "error" }, call.error_code),
    ...errors.map((words) => html("span", { class: "error" }, words)),
    ...call.faults.map((kind) => html("span", { class: "fault" }, `⚡ ${kind}`)),
    breach && html("span", { class: "error", title: breach.detail }, breach.rule),
  ].filter(Boolean);
}

/** @param {number | null} taken */
function duration(taken) {
  return taken === null ? "" : `${(taken * 1000).toFixed(taken < 0.01 ? 1 : 0)} ms`;
}

/** @param {string[]} all */
function names(all) {
  return all.length <= 4 ? all.join(", ") : `${all.slice(0, 3).join(", ")} and ${all.length - 3} more`;
}

/** @param {number} at */
function seconds(at) {
  return at < 100
    ? `${at.toFixed(2)} s`
    : `${Math.floor(at / 60)}:${String(Math.floor(at % 60)).padStart(2, "0")} min`;
}
