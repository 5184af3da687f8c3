// @ts-check
// One session in full, or all of them in short.

import { called, draw, html, rate } from "./dom.js";

/** What can be done to a session: kind, what it is when asked for and what when it holds, and the fault. */
const DONE_TO_IT = [
  ["silence", "Silence", "Silent", {}],
  ["cut", "Cut", "Cut off", {}],
  ["loss", "Lose 10 %", "Loses 10 %", { share: 0.1 }],
  ["jitter", "Jitter", "Jitters", { seconds: 0.1 }],
];
const NEEDS_PACKETS = new Set(["loss", "jitter"]);

export class Details {
  /**
   * @param {HTMLElement} place
   * @param {import("./faults.js").Faults} faults
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
   * @param {any} state
   * @param {import("./traffic.js").Traffic} traffic
   * @param {string | null} selected
   */
  show(state, traffic, selected) {
    const session = state.sessions.find((one) => one.session_id === selected);
    if (session) this.one(session, state, traffic);
    else this.all(state, traffic);
  }

  /**
   * @param {any} state
   * @param {import("./traffic.js").Traffic} traffic
   */
  all(state, traffic) {
    const ended = state.sessions.filter((session) => session.ended_because !== null);
    const live = state.sessions.filter((session) => session.ended_because === null);
    draw(this.head, "all", () => [html("h2", {}, "Sessions")]);
    draw(this.buttons, null, () => []);
    const rows = live.map((session) => [session, flows(session, traffic)]);
    draw(this.body, [rows, ended, state.adapters, state.turn_credentials.length], () => [
      live.length === 0 && html("p", { class: "hint" }, "None is open."),
      live.length > 0 && html("table", {}, html("tbody", {}, rows.map(([session, words]) => this.row(session, words)))),
      ended.length > 0 && html("details", {},
        html("summary", {}, `${ended.length} ended`),
        html("ul", { class: "plain" }, ended.map((session) =>
          html("li", {}, this.name(session), ` ${session.ended_because}`)))),
      state.adapters.length > 0 && html("h3", {}, "WebSocket adapters"),
      state.adapters.length > 0 && html("table", {}, html("tbody", {}, state.adapters.map(adapterRow))),
      state.turn_credentials.length > 0 && html("p", { class: "hint" }, `${state.turn_credentials.length} TURN credentials were handed out.`),
    ].filter(Boolean));
  }

  /**
   * @param {any} session
   * @param {string[]} words
   */
  row(session, words) {
    const count = (location) => session.tracks.filter((t) => t.location === location && t.status === "active").length;
    return html(
      "tr",
      {},
      html("td", { class: "name" }, dot(session), this.name(session)),
      html("td", {}, `${count("local")} sent, ${count("remote")} received`),
      html("td", { class: "number" }, words.join(" ")),
      html("td", {}, session.faults.length > 0 && html("span", { title: session.faults.join("\n") }, "⚡")),
    );
  }

  /** @param {any} session */
  name(session) {
    const pick = () => this.select(session.session_id);
    return html("button", { class: "link", onclick: pick }, `#${session.number} `, html("code", {}, called(session)));
  }

  /**
   * @param {any} session
   * @param {any} state
   * @param {import("./traffic.js").Traffic} traffic
   */
  one(session, state, traffic) {
    const id = session.session_id;
    const over = session.ended_because !== null;
    draw(this.head, [id, stateInWords(session), session.faults], () => [
      html("button", { class: "quiet back", onclick: () => this.select(null) }, "← all sessions"),
      html("h2", {}, `Session #${session.number}`, session.correlation_id && ` · ${session.correlation_id}`),
      html("p", { class: "id" }, html("code", {}, id), html("button", { class: "quiet", onclick: () => navigator.clipboard?.writeText(id) }, "Copy")),
      html("p", {}, dot(session), stateInWords(session)),
      session.faults.length > 0 && html("p", { class: "suffers" }, "⚡ ", session.faults.join(" · ").replaceAll(id, "this")),
    ].filter(Boolean));
    const held = DONE_TO_IT.map(([kind]) => this.faults.find(kind, id)?.id ?? null);
    draw(this.buttons, [id, over, traffic.real, held], () => over ? [] : [
      html("button", { class: "bad", "data-do": "kill_session", onclick: () => this.faults.add({ kind: "kill_session", session: id }) }, "End it"),
      ...DONE_TO_IT.map(([kind, ask, holds, fields], i) => html("button", {
        "data-do": kind,
        "aria-pressed": held[i] !== null,
        disabled: NEEDS_PACKETS.has(kind) && !traffic.real,
        title: NEEDS_PACKETS.has(kind) && !traffic.real ? "Packets are pretended here" : null,
        onclick: () => held[i] ? this.faults.remove(held[i]) : this.faults.add({ kind, session: id, ...fields }),
      }, held[i] === null ? ask : holds)),
    ]);
    const bits = session.tracks.map((track) => rate(traffic.of(session, track)));
    const silent = session.tracks.map((track) => this.faults.find("silence", id, track.track_name)?.id ?? null);
    const others = new Map(state.sessions.map((one) => [one.session_id, one]));
    draw(this.body, [session, bits, silent], () => [
      ...this.tracks("Publishes", session, "local", bits, silent, others),
      ...this.tracks("Receives", session, "remote", bits, silent, others),
      ...this.channels(session, others),
    ]);
  }

  /**
   * @param {string} title
   * @param {any} session
   * @param {string} location
   * @param {string[]} bits
   * @param {(string | null)[]} silent
   * @param {Map<string, any>} others
   */
  tracks(title, session, location, bits, silent, others) {
    const rows = session.tracks.flatMap((track, i) => track.location !== location ? [] : [html(
      "tr",
      { class: track.status },
      html("td", { class: "name", title: track.track_name }, html("span", { class: `port ${track.kind}` }), track.track_name),
      location === "remote" && html("td", {}, "of ", this.other(others.get(track.source_session_id), track.source_session_id)),
      html("td", { class: "hint" }, `mid ${track.mid}`),
      html("td", { class: "number" }, track.status === "inactive" ? "closed" : track.undelivered_codec ? `${track.undelivered_codec} not taken` : bits[i]),
      location === "local" && html("td", {}, track.status === "active" && html("button", {
        class: "quiet",
        "aria-pressed": silent[i] !== null,
        "data-silence": track.track_name,
        onclick: () => silent[i] ? this.faults.remove(silent[i])
          : this.faults.add({ kind: "silence", session: session.session_id, track: track.track_name }),
      }, silent[i] === null ? "Silence" : "Silent")),
    )]);
    return rows.length === 0 ? [] : [html("h3", {}, title), html("table", {}, html("tbody", {}, rows))];
  }

  /**
   * @param {any} session
   * @param {Map<string, any>} others
   */
  channels(session, others) {
    const rows = session.data_channels.map((channel) => html(
      "tr",
      { class: channel.status },
      html("td", { class: "name", title: channel.name }, html("span", { class: "port data" }), channel.name),
      html("td", {}, channel.source_session_id
        ? ["of ", this.other(others.get(channel.source_session_id), channel.source_session_id)]
        : channel.location === "local" ? "its own" : "of the service"),
      html("td", { class: "hint" }, `id ${channel.id}`),
      html("td", { class: "number" }, channel.status),
    ));
    return rows.length === 0 ? [] : [html("h3", {}, "Data channels"), html("table", {}, html("tbody", {}, rows))];
  }

  /**
   * @param {any} session
   * @param {string} id
   */
  other(session, id) {
    return session ? this.name(session) : html("code", {}, id.slice(0, 6));
  }
}

/** @param {any} session */
function dot(session) {
  const state = session.ended_because !== null ? "ended" : session.connected ? "connected" : session.lost ? "lost" : "connecting";
  return html("span", { class: `dot ${state}` });
}

/** @param {any} session */
function stateInWords(session) {
  if (session.ended_because !== null) return `Ended: ${session.ended_because}.`;
  const open = session.exchange ? " An offer waits for its answer." : "";
  if (session.adapter_id) return `Belongs to a WebSocket adapter.${open}`;
  if (session.connected) return `Connected.${open}`;
  return (session.lost ? "Its connection is lost." : "Not connected yet.") + open;
}

/**
 * @param {any} session
 * @param {import("./traffic.js").Traffic} traffic
 */
function flows(session, traffic) {
  if (!traffic.real) return [];
  return [`↑ ${rate(traffic.sum(session, "local"))}`, `↓ ${rate(traffic.sum(session, "remote"))}`];
}

/** @param {any} adapter */
function adapterRow(adapter) {
  return html(
    "tr",
    { class: adapter.status === "closed" ? "inactive" : "" },
    html("td", { class: "name" }, adapter.location === "local" ? `${adapter.host} → ${adapter.track_name}` : `${adapter.track_name} → ${adapter.host}`),
    html("td", {}, adapter.codec),
    html("td", { class: "number" }, `${Math.round(adapter.bytes_processed / 1000)} kB`),
    html("td", { title: adapter.closed_because ?? "" }, adapter.status),
  );
}
