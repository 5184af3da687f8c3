// @ts-check
// What was called and what happened, newest first.

import { byId, called, draw, html } from "./dom.js";

/** @import { Breach, Call, Happening, Held, Journal, Session } from "./types.js" */

/** Calls shown, and as many events. */
const SHOWN = 250;

/** How a session is told that is not listed any more. */
const GONE = ", gone";

/** Events that are no good news. */
const TROUBLE = /lost|ended|collected|closed/;

export class JournalTable {
  /**
   * @param {(sessionId: string) => void} select
   * @param {() => void} narrowed another part of the journal is wanted
   */
  constructor(select, narrowed) {
    this.select = select;
    this.form = byId("filters");
    this.rows = /** @type {Element} */ (document.querySelector("#journal tbody"));
    /** @type {Journal} */
    this.journal = { counts: {}, calls: [], breaches: [], events: [], held: [] };
    /** @type {Map<string, Session>} */
    this.sessions = new Map();
    /** @type {Map<string, string>} */
    this.choosable = new Map();
    this.form.addEventListener("change", (/** @type {Event} */ event) => {
      this.draw();
      if (event.target instanceof HTMLSelectElement) narrowed();
    });
  }

  /** What to ask the emulator for: it knows more calls than are shown here. */
  get query() {
    const { operation, session } = this.form.elements;
    const query = new URLSearchParams({ newest: String(SHOWN) });
    if (operation.value) query.set("operation", operation.value);
    if (session.value) query.set("session", session.value);
    return query;
  }

  /** The apps that were called, or that somebody tried to call. */
  get apps() {
    return this.journal.calls.flatMap(({ app_id: app }) => (app === null ? [] : [app]));
  }

  /**
   * @param {Journal} journal what was asked for
   * @param {Session[]} sessions
   */
  show(journal, sessions) {
    const { operation, session } = this.form.elements;
    this.journal = journal;
    this.sessions = new Map(sessions.map((one) => [one.session_id, one]));
    const operations = new Set([...Object.keys(journal.counts), operation.value].filter(Boolean));
    choices(
      operation,
      "every operation",
      [...operations].sort().map((name) => [name, name]),
    );
    this.choosable = this.chosenFrom(session.value);
    choices(session, "every session", [...this.choosable]);
    this.held(journal.held, session.value);
    this.draw();
  }

  /**
   * The sessions that there are, and those that are gone but were called lately. While one is chosen, only its
   * calls are known, and the others stay.
   * @param {string} chosen
   */
  chosenFrom(chosen) {
    const several = new Set([...this.sessions.values()].map(({ app_id: app }) => app)).size > 1;
    const found = new Map(
      [...this.sessions.values()].map((one) => [
        one.session_id,
        `#${one.number} ${called(one)}${several ? ` · ${one.app_id}` : ""}`,
      ]),
    );
    const listed = [...this.journal.calls, ...this.journal.events].map(({ session_id: id }) => id);
    const before = chosen ? [...this.choosable.keys()] : [];
    for (const id of new Set([...listed, ...before, chosen])) {
      if (!id || found.has(id)) continue;
      const name = this.choosable.get(id) ?? id.slice(0, 6);
      found.set(id, name.endsWith(GONE) ? name : name + GONE);
    }
    return found;
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
    const words = this.words(rows.length);
    draw(this.rows, [rows, breaches, words], () => [
      ...rows.map((row) =>
        "call" in row ? this.call(row.call, broken.get(row.call.n)) : this.event(row.event),
      ),
      ...(words ? [html("tr", {}, html("td", { colspan: 7, class: "hint" }, words))] : []),
    ]);
  }

  /**
   * What the rows do not say.
   * @param {number} rows
   */
  words(rows) {
    const { counts, calls } = this.journal;
    const { operation, session, problems } = this.form.elements;
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    if (all === 0 && rows === 0) return "Nothing was called yet.";
    if (calls.length < SHOWN) return rows === 0 ? "Nothing fits." : "";
    const known = operation.value ? counts[operation.value] : all;
    const of = session.value ? "of this session" : `of ${known.toLocaleString("en")}`;
    const newest = `the newest ${SHOWN} calls ${of}`;
    if (rows === 0) return `Nothing fits in ${newest}.`;
    return problems.checked ? `These are the problems in ${newest}.` : `These are ${newest}.`;
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
      html("td", { class: "app" }, call.app_id),
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
      html("td", { class: "app" }),
      html("td", {}, this.session(event.session_id)),
      html("td", { colspan: 3 }, event.detail),
    );
  }

  /** @param {string | null} id */
  session(id) {
    if (id === null) return "";
    const found = this.sessions.get(id);
    if (!found) return html("code", {}, id.slice(0, 6));
    return html(
      "button",
      { class: "link", onclick: () => this.select(id) },
      `#${found.number} `,
      html("code", {}, called(found)),
    );
  }

  /**
   * @param {Held[]} held
   * @param {string} session of which alone it is, if of one
   */
  held(held, session) {
    const place = byId("held");
    const of = session ? " of this session" : "";
    draw(place.querySelector("summary"), [held.length, of], () => [
      held.length === 0 ? `nothing${of} is held` : `${held.length}${of} held now`,
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
