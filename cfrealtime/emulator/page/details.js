// @ts-check
// One session in full, or all of them in short.

import { called, draw, html, rate } from "./dom.js";

/** @import { Adapter, Channel, Session, State, Track } from "./types.js" */
/** @import { Faults } from "./faults.js" */
/** @import { Traffic } from "./traffic.js" */

/** What can be done to a session: its button when it is not done and when it is, and the fault. */
const DONE_TO_IT = [
  { kind: "silence", ask: "Silence", holds: "Silent" },
  { kind: "cut", ask: "Cut", holds: "Cut off" },
  { kind: "loss", ask: "Lose 10 %", holds: "Loses 10 %", fields: { share: 0.1 }, packets: true },
  { kind: "jitter", ask: "Jitter", holds: "Jitters", fields: { seconds: 0.1 }, packets: true },
];

export class Details {
  /**
   * @param {HTMLElement} place
   * @param {Faults} faults
   * @param {(sessionId: string | null) => void} select
   */
  constructor(place, faults, select) {
    this.faults = faults;
    this.select = select;
    this.head = html("div");
    this.buttons = html("div", { class: "buttons" });
    this.body = html("div");
    place.append(this.head, this.buttons, this.body);
  }

  /**
   * @param {State} state
   * @param {Traffic} traffic
   * @param {string | null} selected
   */
  show(state, traffic, selected) {
    const session = state.sessions.find((one) => one.session_id === selected);
    if (session) this.one(session, state, traffic);
    else this.all(state, traffic);
  }

  // All of them.

  /**
   * @param {State} state
   * @param {Traffic} traffic
   */
  all(state, traffic) {
    const ended = state.sessions.filter((session) => session.ended_because !== null);
    const live = state.sessions.filter((session) => session.ended_because === null);
    const flows = live.map((session) => flowsOf(session, traffic));
    const { adapters, turn_credentials: credentials } = state;
    draw(this.head, "all", () => [html("h2", {}, "Sessions")]);
    draw(this.buttons, "none", () => []);
    draw(this.body, [live, flows, ended, state.sessions_ended, adapters, credentials.length], () => [
      live.length === 0 ? html("p", { class: "hint" }, "None is open.") : "",
      table(live.map((session, i) => this.row(session, flows[i]))),
      ended.length > 0 ? this.ended(ended, state.sessions_ended) : "",
      adapters.length > 0 ? html("h3", {}, "WebSocket adapters") : "",
      table(adapters.map(adapterRow)),
      credentials.length > 0 ? html("h3", {}, `TURN credentials handed out: ${credentials.length}`) : "",
    ]);
  }

  /**
   * @param {Session} session
   * @param {string} flows
   */
  row(session, flows) {
    const count = (/** @type {string} */ where) =>
      session.tracks.filter(({ location, status }) => location === where && status === "active").length;
    const faults = session.faults.length > 0 && html("span", { title: session.faults.join("\n") }, "⚡");
    return html(
      "tr",
      {},
      html("td", { class: "name" }, dot(session), this.name(session), app(session.app_id)),
      html("td", {}, `${count("local")} sent, ${count("remote")} received`),
      html("td", { class: "number" }, flows),
      html("td", {}, faults),
    );
  }

  /**
   * @param {Session[]} sessions
   * @param {number} count of all that ended, of which these are the last
   */
  ended(sessions, count) {
    const items = sessions.map((one) =>
      html("li", {}, this.name(one), app(one.app_id), ` ${one.ended_because}`),
    );
    const newest = count > sessions.length ? `, the last ${sessions.length} of them` : "";
    const summary = html("summary", {}, `${count} ended${newest}`);
    return html("details", {}, summary, html("ul", { class: "plain" }, items));
  }

  /** @param {Session} session */
  name(session) {
    const pick = () => this.select(session.session_id);
    const words = [`#${session.number} `, html("code", {}, called(session))];
    return html("button", { class: "link", onclick: pick }, words);
  }

  // One of them.

  /**
   * @param {Session} session
   * @param {State} state
   * @param {Traffic} traffic
   */
  one(session, state, traffic) {
    const id = session.session_id;
    draw(this.head, [id, inWords(session), session.faults], () => this.about(session));
    this.actions(session, traffic.real);
    const bits = session.tracks.map((track) => rate(traffic.of(session, track)));
    const told = session.data_channels.map((channel) => rate(traffic.of(session, channel)));
    const silent = session.tracks.map((track) => this.faults.find("silence", id, track.track_name)?.id);
    const others = new Map(state.sessions.map((one) => [one.session_id, one]));
    draw(this.body, [session, bits, told, silent], () => {
      const rows = session.tracks.map((track, i) => this.track(session, track, bits[i], silent[i], others));
      const sent = rows.filter((_, i) => session.tracks[i].location === "local");
      const received = rows.filter((_, i) => session.tracks[i].location === "remote");
      const channels = session.data_channels.map((channel, i) => this.channel(channel, told[i], others));
      return [
        ...titled("Publishes", sent),
        ...titled("Receives", received),
        ...titled("Data channels", channels),
      ];
    });
  }

  /** @param {Session} session */
  about(session) {
    const id = session.session_id;
    const label = session.correlation_id ? ` · ${session.correlation_id}` : "";
    const copy = () => navigator.clipboard?.writeText(id);
    const faults = session.faults.join(" · ").replaceAll(` session=${id}`, "");
    return [
      html("button", { class: "quiet back", onclick: () => this.select(null) }, "← all sessions"),
      html("h2", {}, `Session #${session.number}${label}`, app(session.app_id)),
      html(
        "p",
        { class: "id" },
        html("code", {}, id),
        html("button", { class: "quiet", onclick: copy }, "Copy"),
      ),
      html("p", {}, dot(session), inWords(session)),
      faults ? html("p", { class: "suffers" }, `⚡ ${faults}`) : "",
    ];
  }

  /**
   * @param {Session} session
   * @param {boolean} real whether there are packets
   */
  actions(session, real) {
    const id = session.session_id;
    const over = session.ended_because !== null;
    const held = DONE_TO_IT.map(({ kind }) => this.faults.find(kind, id)?.id);
    draw(this.buttons, [id, over, real, held], () => {
      if (over) return [];
      const end = () => this.faults.add({ kind: "kill_session", session: id });
      const others = DONE_TO_IT.map(({ kind, ask, holds, fields, packets }, i) => {
        const impossible = packets && !real;
        const fault = { kind, session: id, ...fields };
        return html(
          "button",
          {
            ...{ "data-do": kind, "aria-pressed": held[i] !== undefined, disabled: impossible },
            title: impossible ? "Packets are pretended here" : null,
            onclick: () => this.toggle(held[i], fault),
          },
          held[i] === undefined ? ask : holds,
        );
      });
      return [html("button", { class: "bad", "data-do": "kill_session", onclick: end }, "End it"), ...others];
    });
  }

  /**
   * Take a fault back that holds, or let it hold.
   * @param {string | undefined} held
   * @param {object} fault
   */
  toggle(held, fault) {
    return held === undefined ? this.faults.add(fault) : this.faults.remove(held);
  }

  /**
   * @param {Session} session
   * @param {Track} track
   * @param {string} bits
   * @param {string | undefined} silent the fault that makes it so
   * @param {Map<string, Session>} others
   */
  track(session, track, bits, silent, others) {
    const { kind, mid, status, track_name: name, source_session_id: source } = track;
    const fault = { kind: "silence", session: session.session_id, track: name };
    const held = { "aria-pressed": silent !== undefined, "data-silence": name };
    const silence = () =>
      html(
        "button",
        { class: "quiet", ...held, onclick: () => this.toggle(silent, fault) },
        silent === undefined ? "Silence" : "Silent",
      );
    const codec = track.undelivered_codec ? `${track.undelivered_codec} not taken` : null;
    return html(
      "tr",
      { class: status },
      named(kind, name),
      source && html("td", {}, "of ", this.other(others.get(source), source)),
      html("td", { class: "hint" }, `mid ${mid}`),
      html("td", { class: "number" }, status === "inactive" ? "closed" : (codec ?? bits)),
      source === null && html("td", {}, status === "active" && silence()),
    );
  }

  /**
   * @param {Channel} channel
   * @param {string} bits
   * @param {Map<string, Session>} others
   */
  channel(channel, bits, others) {
    const source = channel.source_session_id;
    const own = channel.location === "local" ? "its own" : "of the service";
    return html(
      "tr",
      { class: channel.status },
      named("data", channel.name),
      html("td", {}, source ? ["of ", this.other(others.get(source), source)] : own),
      html("td", { class: "hint" }, `id ${channel.id}`),
      html("td", { class: "number" }, channel.status === "active" ? bits : channel.status),
    );
  }

  /**
   * @param {Session | undefined} session
   * @param {string} id
   */
  other(session, id) {
    return session ? this.name(session) : html("code", {}, id.slice(0, 6));
  }
}

/**
 * Whose it is, which is shown where there are several.
 * @param {string} id
 */
function app(id) {
  return html("span", { class: "app" }, id);
}

/** @param {HTMLElement[]} rows */
function table(rows) {
  return rows.length === 0 ? "" : html("table", {}, html("tbody", {}, rows));
}

/**
 * @param {string} title
 * @param {HTMLElement[]} rows
 */
function titled(title, rows) {
  return rows.length === 0 ? [] : [html("h3", {}, title), table(rows)];
}

/**
 * @param {string} kind
 * @param {string} name
 */
function named(kind, name) {
  return html("td", { class: "name", title: name }, html("span", { class: `port ${kind}` }), name);
}

/** @param {Session} session */
function dot(session) {
  if (session.ended_because !== null) return html("span", { class: "dot ended" });
  const state = session.connected ? "connected" : session.lost ? "lost" : "connecting";
  return html("span", { class: `dot ${state}` });
}

/** @param {Session} session */
function inWords(session) {
  if (session.ended_because !== null) return `Ended: ${session.ended_because}.`;
  const open = session.exchange ? " An offer waits for its answer." : "";
  if (session.adapter_id) return `Belongs to a WebSocket adapter.${open}`;
  if (session.connected) return `Connected.${open}`;
  return (session.lost ? "Its connection is lost." : "Not connected yet.") + open;
}

/**
 * @param {Session} session
 * @param {Traffic} traffic
 */
function flowsOf(session, traffic) {
  if (!traffic.real) return "";
  return `↑ ${rate(traffic.sum(session, "local"))} ↓ ${rate(traffic.sum(session, "remote"))}`;
}

/** @param {Adapter} adapter */
function adapterRow(adapter) {
  const { host, track_name: name } = adapter;
  return html(
    "tr",
    { class: adapter.status === "closed" ? "inactive" : "" },
    html(
      "td",
      { class: "name" },
      adapter.location === "local" ? `${host} → ${name}` : `${name} → ${host}`,
      app(adapter.app_id),
    ),
    html("td", {}, adapter.codec),
    html("td", { class: "number" }, `${Math.round(adapter.bytes_processed / 1000)} kB`),
    html("td", { title: adapter.closed_because }, adapter.status),
  );
}
