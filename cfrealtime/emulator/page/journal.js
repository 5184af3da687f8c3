// @ts-check
// What was called and what happened, newest first.

import { byId, called, draw, html } from "./dom.js";

/** Calls shown. */
export const SHOWN = 250;

export class JournalTable {
  /** @param {(sessionId: string) => void} select */
  constructor(select) {
    this.select = select;
    this.form = byId("filters");
    this.rows = document.querySelector("#journal tbody");
    /** @type {any} */
    this.journal = { calls: [], breaches: [], events: [], held: [] };
    /** @type {any[]} */
    this.sessions = [];
    this.form.addEventListener("change", () => this.draw());
  }

  /**
   * @param {any} journal
   * @param {any[]} sessions
   */
  show(journal, sessions) {
    this.journal = journal;
    this.sessions = sessions;
    const operations = [...new Set(journal.calls.map((call) => call.operation))].sort();
    choices(this.form.elements.operation, "every operation", operations.map((name) => [name, name]));
    choices(this.form.elements.session, "every session",
      sessions.map((session) => [session.session_id, `#${session.number} ${called(session)}`]));
    this.held(journal.held);
    this.draw();
  }

  draw() {
    const { operation, session, problems, events } = this.form.elements;
    const breaches = new Map(this.journal.breaches.map((breach) => [breach.n, breach]));
    const calls = this.journal.calls.filter((call) =>
      (!operation.value || call.operation === operation.value)
      && (!session.value || call.session_id === session.value)
      && (!problems.checked || isProblem(call, breaches)));
    const happened = !events.checked || operation.value ? [] : this.journal.events.filter((event) =>
      (!session.value || event.session_id === session.value)
      && (!problems.checked || /lost|ended|collected|closed/.test(event.event)));
    const all = [
      ...calls.map((call) => ({ order: call.n, call })),
      ...happened.map((event, i) => ({ order: event.after + 0.5 + i * 1e-6, event })),
    ].sort((a, b) => b.order - a.order);
    draw(this.rows, [all, [...breaches.keys()]], () => all.length === 0
      ? [html("tr", {}, html("td", { colspan: 7, class: "hint" }, this.journal.calls.length === 0 ? "Nothing was called yet." : "Nothing fits."))]
      : all.map(({ call, event }) => (call ? this.call(call, breaches.get(call.n)) : this.event(event))));
  }

  /**
   * @param {any} call
   * @param {any} breach
   */
  call(call, breach) {
    const open = call.seconds === null;
    const errors = [...new Set(call.item_errors)].map((code) => {
      const count = call.item_errors.filter((other) => other === code).length;
      return html("span", { class: "error" }, count > 1 ? `${code} ×${count}` : code);
    });
    return html(
      "tr",
      { class: breach ? "breach" : open ? "open" : "" },
      html("td", { class: "number" }, call.n),
      html("td", { class: "number" }, seconds(call.at)),
      html("td", {}, call.operation),
      html("td", {}, this.session(call.session_id)),
      html("td", { class: "names", title: call.track_names.join("\n") }, names(call.track_names)),
      html(
        "td",
        {},
        html("span", { class: `status ${grade(call)}` }, open ? "…" : call.status ?? "no answer"),
        call.error_code && html("span", { class: "error" }, call.error_code),
        errors,
        call.faults.map((kind) => html("span", { class: "fault" }, `⚡ ${kind}`)),
        breach && html("span", { class: "error", title: breach.detail }, breach.rule),
      ),
      html("td", { class: "number" }, open ? "" : `${(call.seconds * 1000).toFixed(call.seconds < 0.01 ? 1 : 0)} ms`),
    );
  }

  /** @param {any} event */
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
    return html("button", { class: "link", onclick: () => this.select(id) }, `#${found.number} `, html("code", {}, called(found)));
  }

  /** @param {any[]} held */
  held(held) {
    const place = byId("held");
    draw(place.querySelector("summary"), held.length, () => [held.length === 0 ? "nothing is held" : `${held.length} held now`]);
    draw(place.querySelector("ul"), held, () => held.map((leak) =>
      html("li", {}, leak.what, leak.since !== null && html("span", { class: "hint" }, ` since call ${leak.since}`))));
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {string} every
 * @param {string[][]} options
 */
function choices(select, every, options) {
  const value = select.value;
  draw(select, options, () => [["", every], ...options].map(([id, words]) => html("option", { value: id }, words)));
  select.value = options.some(([id]) => id === value) ? value : "";
}

/**
 * @param {any} call
 * @param {Map<number, any>} breaches
 */
function isProblem(call, breaches) {
  return grade(call) !== "good" || call.item_errors.length > 0 || call.faults.length > 0 || breaches.has(call.n);
}

/** @param {any} call */
function grade(call) {
  if (call.seconds === null) return "pending";
  if (call.status === null || call.status >= 500) return "bad";
  return call.status >= 400 || call.item_errors.length > 0 ? "poor" : "good";
}

/** @param {string[]} all */
function names(all) {
  return all.length <= 4 ? all.join(", ") : `${all.slice(0, 3).join(", ")} and ${all.length - 3} more`;
}

/** @param {number} at */
function seconds(at) {
  return at < 100 ? `${at.toFixed(2)} s` : `${Math.floor(at / 60)}:${String(Math.floor(at % 60)).padStart(2, "0")} min`;
}
