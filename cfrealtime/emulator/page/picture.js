// @ts-check
// The sessions around the SFU, and a line for everything that one of them sends to another.

import { called, draw, html, rate, svg } from "./dom.js";

const WIDTH = 920;
const HEIGHT = 620;
const RADII = { x: 330, y: 220 };
const HUB = 46;
/** The size of a node that has room for words around it. */
const ROOMY = 30;
/** More lines than this do not move: it would cost more than it shows. */
const MOVING = 150;

/**
 * @typedef {{ x: number, y: number }} Point
 * @typedef {{ id: string, kind: "session" | "adapter", name: string, below: string, session: any,
 *             at: Point, angle: number, size: number }} Node
 * @typedef {{ key: string, from: string, to: string, port: number, ports: number, media: string,
 *             status: string, bits: number | null, words: string }} Link
 */

export class Picture {
  /**
   * @param {Element} place
   * @param {(sessionId: string | null) => void} select
   */
  constructor(place, select) {
    this.place = place;
    this.select = select;
    /** @type {Map<string, SVGElement>} */
    this.lines = new Map();
    /** @type {Map<string, SVGElement>} */
    this.groups = new Map();
    /** @type {string | null} */
    this.selected = null;
    /** @type {string | null} */
    this.hovered = null;
    this.links = svg("g", { class: "links" });
    this.nodes = svg("g");
    this.hub = svg("g", { class: "hub" });
    const box = `${-WIDTH / 2} ${-HEIGHT / 2} ${WIDTH} ${HEIGHT}`;
    const label = "Sessions, and what flows between them";
    this.svg = svg("svg", { viewBox: box, role: "group", "aria-label": label }, this.links, this.hub, this.nodes);
    this.svg.addEventListener("click", (event) => event.target === this.svg && select(null));
    this.empty = empty();
    this.legend = legend();
    place.append(this.svg, this.empty, this.legend);
  }

  /**
   * @param {any} state
   * @param {import("./traffic.js").Traffic} traffic
   * @param {string | null} selected
   */
  show(state, traffic, selected) {
    const sessions = state.sessions.filter((session) => session.ended_because === null);
    const adapters = state.adapters.filter((adapter) => adapter.status !== "closed");
    const nodes = placed(sessions, adapters);
    const links = linksOf(sessions, adapters, traffic).filter(({ from, to }) => nodes.has(from) && nodes.has(to));
    this.empty.hidden = nodes.size > 0;
    this.legend.hidden = nodes.size === 0;
    this.svg.toggleAttribute("data-empty", nodes.size === 0);
    this.svg.classList.toggle("still", links.length > MOVING);
    this.drawHub(traffic, nodes.size);
    this.drawLinks(links, nodes);
    const rates = new Map(sessions.map((session) => [session.session_id, flowsOf(session, traffic)]));
    this.drawNodes(nodes, rates, selected);
    this.selected = selected;
    this.highlight(this.hovered !== null && nodes.has(this.hovered) ? this.hovered : null);
  }

  /**
   * @param {import("./traffic.js").Traffic} traffic
   * @param {number} count
   */
  drawHub(traffic, count) {
    const { up, down } = traffic.now;
    draw(this.hub, [count > 0, traffic.real, rate(up), rate(down)], () =>
      count === 0 ? [] : [
        svg("circle", { r: HUB }),
        svg("text", { y: traffic.real ? -10 : 5, class: "name" }, "SFU"),
        ...(traffic.real ? [svg("text", { y: 9 }, `↑ ${rate(up)}`), svg("text", { y: 24 }, `↓ ${rate(down)}`)] : []),
      ],
    );
  }

  /**
   * @param {Link[]} links
   * @param {Map<string, Node>} nodes
   */
  drawLinks(links, nodes) {
    const seen = new Set();
    for (const link of links) {
      const from = /** @type {Node} */ (nodes.get(link.from));
      const to = /** @type {Node} */ (nodes.get(link.to));
      let line = this.lines.get(link.key);
      if (line === undefined) {
        line = svg("path", {}, svg("title"));
        this.lines.set(link.key, line);
        this.links.append(line);
      }
      seen.add(link.key);
      line.setAttribute("d", curve(port(from, link.port, link.ports), toward(to, from)));
      line.setAttribute("class", `${link.media} ${link.status}`);
      line.setAttribute("stroke-width", width(link.bits).toFixed(1));
      line.setAttribute("data-from", link.from);
      line.setAttribute("data-to", link.to);
      /** @type {Element} */ (line.firstChild).textContent = link.words;
    }
    for (const [key, line] of this.lines) {
      if (!seen.has(key)) {
        line.remove();
        this.lines.delete(key);
      }
    }
  }

  /**
   * @param {Map<string, Node>} nodes
   * @param {Map<string, string>} rates
   * @param {string | null} selected
   */
  drawNodes(nodes, rates, selected) {
    for (const node of nodes.values()) {
      const group = this.groups.get(node.id) ?? this.group(node);
      const pressed = node.id === selected;
      group.setAttribute("class", `node ${stateOf(node.session)}${pressed ? " selected" : ""}`);
      group.setAttribute("transform", `translate(${node.at.x.toFixed(1)} ${node.at.y.toFixed(1)})`);
      if (node.kind === "session") group.setAttribute("aria-pressed", String(pressed));
      const { session, ...place } = node;
      const ports = portsOf(node);
      const flows = rates.get(node.id) ?? "";
      draw(group, [place, ports, session?.faults, session?.exchange, flows !== ""], () => figure(node, ports, flows !== ""));
      const words = group.querySelector(".rates");
      if (words) words.textContent = flows;
    }
    for (const [id, group] of this.groups) {
      if (!nodes.has(id)) {
        group.remove();
        this.groups.delete(id);
      }
    }
  }

  /**
   * A node's element, which stays the same as long as the node is there: it can be clicked and have the focus.
   * @param {Node} node
   */
  group(node) {
    const pick = () => node.kind === "session" && this.select(this.selected === node.id ? null : node.id);
    const group = svg("g", {
      "data-node": node.id,
      ...(node.kind === "session" && { tabindex: 0, role: "button" }),
      "aria-label": `${node.name} ${node.below}`,
      onclick: pick,
      onkeydown: (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), pick()),
      onmouseenter: () => this.highlight(node.id),
      onmouseleave: () => this.highlight(null),
    });
    this.groups.set(node.id, group);
    this.nodes.append(group);
    return group;
  }

  /** @param {string | null} hovered */
  highlight(hovered) {
    this.hovered = hovered;
    const id = hovered ?? this.selected;
    const concerned = (line) => line.getAttribute("data-from") === id || line.getAttribute("data-to") === id;
    const lines = [...this.lines.values()];
    this.svg.classList.toggle("chosen", id !== null && this.groups.has(id));
    for (const line of lines) line.classList.toggle("concerned", concerned(line));
  }
}

/**
 * What a node looks like.
 * @param {Node} node
 * @param {{ kind: string, name: string, status: string }[]} ports
 * @param {boolean} flows whether there is a line for rates
 */
function figure(node, ports, flows) {
  const { session, size } = node;
  const side = size * 1.76;
  // Words stand outside, where no lines are.
  const above = Math.sin(node.angle) < -0.8;
  const under = above ? -size - (flows ? 25 : 10) : size + 17;
  return [
    isSquare(node)
      ? svg("rect", { class: "shape", x: -side / 2, y: -side / 2, width: side, height: side, rx: 7 })
      : svg("circle", { class: "shape", r: size }),
    svg("text", { class: size < ROOMY ? "name small" : "name", y: size * 0.16 }, node.name),
    ...ports.map((one, i) => {
      const at = port({ ...node, at: { x: 0, y: 0 } }, i, ports.length, node.at);
      return svg("circle", { class: `port ${one.kind}`, cx: at.x, cy: at.y, r: 4.5 }, svg("title", {}, one.name));
    }),
    svg("text", { class: "below", y: under }, node.below),
    flows && svg("text", { class: "rates", y: under + 15 }),
    session?.faults.length > 0 && svg("text", { class: "bolt", x: -size * 0.85, y: -size * 0.6 }, "⚡"),
    session?.exchange && (size < ROOMY
      ? svg("text", { class: "open mark", x: size * 0.95, y: -size * 0.6 }, "?", svg("title", {}, "offer unanswered"))
      : svg("text", { class: "open", y: above ? size + 17 : -size - 8 }, "offer unanswered")),
  ].filter(Boolean);
}

/** @param {Node} node */
function isSquare(node) {
  return node.kind === "adapter" || Boolean(node.session?.adapter_id);
}

/** @param {any} session */
function stateOf(session) {
  if (!session) return "connected";
  return session.connected ? "connected" : session.lost ? "lost" : "connecting";
}

/**
 * @param {any} session
 * @param {import("./traffic.js").Traffic} traffic
 */
function flowsOf(session, traffic) {
  if (!traffic.real) return "";
  const [up, down] = [traffic.sum(session, "local"), traffic.sum(session, "remote")];
  return [up > 0 && `↑ ${rate(up)}`, down > 0 && `↓ ${rate(down)}`].filter(Boolean).join("  ");
}

/**
 * Everybody's place, the first at the top, with the clock.
 * @param {any[]} sessions
 * @param {any[]} adapters
 * @returns {Map<string, Node>}
 */
function placed(sessions, adapters) {
  const senders = adapters.filter((adapter) => adapter.location === "remote");
  const hosts = new Map(adapters.map((adapter) => [adapter.adapter_id, adapter.host]));
  const all = [
    ...sessions.map((session) => ({
      id: session.session_id, kind: "session", session, name: `#${session.number}`,
      below: session.adapter_id ? `from ${hosts.get(session.adapter_id) ?? "a socket"}` : called(session),
    })),
    ...senders.map((adapter) => ({
      id: adapter.adapter_id, kind: "adapter", session: null, name: adapter.codec.toUpperCase(), below: `to ${adapter.host}`,
    })),
  ];
  const size = Math.max(15, Math.min(34, 330 / Math.max(all.length, 1)));
  return new Map(all.map((one, i) => {
    const angle = (i / all.length) * 2 * Math.PI - Math.PI / 2;
    const at = { x: RADII.x * Math.cos(angle), y: RADII.y * Math.sin(angle) - 12 };
    return [one.id, /** @type {Node} */ ({ ...one, at, angle, size })];
  }));
}

/** @param {Node} node */
function portsOf(node) {
  const tracks = node.session?.tracks.filter((track) => track.location === "local" && track.status === "active") ?? [];
  const channels = node.session?.data_channels.filter((one) => one.location === "local" && one.status !== "inactive") ?? [];
  return [
    ...tracks.map((track) => ({ kind: track.kind, name: track.track_name, status: track.status })),
    ...channels.map((channel) => ({ kind: "data", name: channel.name, status: channel.status })),
  ];
}

/**
 * @param {any[]} sessions
 * @param {any[]} adapters
 * @param {import("./traffic.js").Traffic} traffic
 * @returns {Link[]}
 */
function linksOf(sessions, adapters, traffic) {
  /** @type {Map<string, { i: number, all: number, publisher: any, media: string }>} */
  const ports = new Map();
  for (const session of sessions) {
    const all = portsOf(/** @type {any} */ ({ session }));
    all.forEach((one, i) => {
      const media = one.kind === "data" ? "data" : "track";
      ports.set(`${session.session_id} ${media} ${one.name}`, { i, all: all.length, publisher: session, media: one.kind });
    });
  }
  /** @type {Link[]} */
  const links = [];
  const add = (key, source, name, type, to, status, bits, words) => {
    const found = ports.get(`${source} ${type} ${name}`);
    if (found) links.push({ key, from: source, to, port: found.i, ports: found.all, media: found.media, status, bits, words });
  };
  for (const session of sessions) {
    for (const track of session.tracks) {
      if (track.location !== "remote" || track.status !== "active") continue;
      const bits = traffic.of(session, track);
      const status = track.undelivered_codec ? "undelivered"
        : session.exchange || !session.connected ? "waiting" : bits === 0 ? "quiet" : "flowing";
      const words = `${track.track_name} → ${called(session)}, mid ${track.mid}`
        + (bits === null ? "" : `: ${rate(bits)}`) + (track.undelivered_codec ? ` (${track.undelivered_codec} not taken)` : "");
      add(`${session.session_id} ${track.mid}`, track.source_session_id, track.track_name, "track", session.session_id, status, bits, words);
    }
    for (const channel of session.data_channels) {
      if (channel.location !== "remote" || channel.source_session_id === null || channel.status === "inactive") continue;
      const status = channel.status === "active" ? "flowing" : "waiting";
      const words = `${channel.name} → ${called(session)}, data channel ${channel.id}`;
      add(`${session.session_id} data ${channel.id}`, channel.source_session_id, channel.name, "data", session.session_id, status, null, words);
    }
  }
  for (const adapter of adapters) {
    if (adapter.location !== "remote") continue;
    const status = adapter.status === "connected" ? "flowing" : "waiting";
    const words = `${adapter.track_name} → ${adapter.host} as ${adapter.codec}`;
    add(adapter.adapter_id, adapter.session_id, adapter.track_name, "track", adapter.adapter_id, status, null, words);
  }
  return links;
}

/**
 * Where a publication stands on its session's edge: in a fan that looks at the hub.
 * @param {Node} node
 * @param {number} i
 * @param {number} count
 * @param {Point} [seen] where the node is, when `at` is not the place
 * @returns {Point}
 */
function port(node, i, count, seen = node.at) {
  const inward = Math.atan2(-seen.y, -seen.x);
  const angle = inward + (i - (count - 1) / 2) * Math.min(0.5, 2.4 / Math.max(count, 1));
  return edge(node, angle, 0);
}

/**
 * Where a line ends: at the edge of a node, on the side it comes from.
 * @param {Node} node
 * @param {Node} from
 * @returns {Point}
 */
function toward(node, from) {
  const aim = { x: from.at.x * 0.15, y: from.at.y * 0.15 };
  const angle = Math.atan2(aim.y - node.at.y, aim.x - node.at.x);
  return edge(node, angle, 3);
}

/**
 * A point on a node's edge, or so far outside.
 * @param {Node} node
 * @param {number} angle
 * @param {number} outside
 * @returns {Point}
 */
function edge(node, angle, outside) {
  const [x, y] = [Math.cos(angle), Math.sin(angle)];
  const reach = isSquare(node) ? (node.size * 0.88) / Math.max(Math.abs(x), Math.abs(y)) : node.size;
  return { x: node.at.x + (reach + outside) * x, y: node.at.y + (reach + outside) * y };
}

/**
 * From one to the other by way of the hub.
 * @param {Point} from
 * @param {Point} to
 */
function curve(from, to) {
  const c1 = `${(from.x * 0.1).toFixed(1)} ${(from.y * 0.1).toFixed(1)}`;
  const c2 = `${(to.x * 0.1).toFixed(1)} ${(to.y * 0.1).toFixed(1)}`;
  return `M${from.x.toFixed(1)} ${from.y.toFixed(1)}C${c1} ${c2} ${to.x.toFixed(1)} ${to.y.toFixed(1)}`;
}

/** @param {number | null} bits */
function width(bits) {
  return bits ? Math.max(1.4, Math.min(5, Math.log10(bits / 3000) * 1.7)) : 1.4;
}

function legend() {
  const kinds = [["audio", "audio"], ["video", "video"], ["data", "data"], ["waiting", "not connected yet"], ["undelivered", "codec not taken"]];
  return html("p", { class: "legend" }, kinds.map(([kind, words]) => html("span", { class: kind }, words)));
}

/** What to do when there is nothing to see. */
function empty() {
  const base = `${location.origin}/v1`;
  const lines = [
    `export CLOUDFLARE_REALTIME_BASE_URL=${base}`,
    `curl -X POST -H "Authorization: Bearer $CLOUDFLARE_REALTIME_APP_SECRET" \\\n  ${base}/apps/$CLOUDFLARE_REALTIME_APP_ID/sessions/new`,
  ];
  const copy = html("button", { class: "quiet", onclick: () => navigator.clipboard?.writeText(lines.join("\n")) }, "Copy");
  return html(
    "div",
    { class: "empty", hidden: true },
    html("h3", {}, "Nobody is here yet"),
    html("p", {}, "Point your application at this address instead of Cloudflare's, or open a session by hand. Sessions, their tracks and what flows between them appear here."),
    html("pre", {}, lines.join("\n")),
    copy,
  );
}
