// @ts-check
// Where everybody stands, and which lines there are between them.

import { called, rate } from "./dom.js";

/** @import { Adapter, Link, Node, Point, Port, Session, State, Track } from "./types.js" */
/** @import { Traffic } from "./traffic.js" */

const RADII = { x: 330, y: 220 };

/**
 * What there is to see: everybody's place, the first at the top, with the clock; and all lines between them.
 * @param {State} state
 * @param {Traffic} traffic
 * @returns {{ nodes: Map<string, Node>, links: Link[] }}
 */
export function layout(state, traffic) {
  const sessions = state.sessions.filter((session) => session.ended_because === null);
  const adapters = state.adapters.filter((adapter) => adapter.status !== "closed");
  const nodes = new Map(placed(sessions, adapters).map((node) => [node.id, node]));
  const drawable = (/** @type {Link} */ { from, to }) => nodes.has(from) && nodes.has(to);
  return { nodes, links: linksBetween(sessions, adapters, traffic).filter(drawable) };
}

/**
 * @param {Session[]} sessions
 * @param {Adapter[]} adapters
 * @returns {Node[]}
 */
function placed(sessions, adapters) {
  const hosts = new Map(adapters.map((adapter) => [adapter.adapter_id, adapter.host]));
  const below = (/** @type {Session} */ session) =>
    session.adapter_id ? `from ${hosts.get(session.adapter_id) ?? "a socket"}` : called(session);
  const all = [
    ...sessions.map((session) => ({
      ...{ id: session.session_id, kind: /** @type {const} */ ("session"), session },
      ...{ app: session.app_id, name: `#${session.number}`, below: below(session) },
    })),
    ...adapters
      .filter((adapter) => adapter.location === "remote")
      .map((adapter) => ({
        ...{ id: adapter.adapter_id, kind: /** @type {const} */ ("adapter"), session: null },
        ...{ app: adapter.app_id, name: adapter.codec.toUpperCase(), below: `to ${adapter.host}` },
      })),
  ];
  const size = Math.max(15, Math.min(34, 330 / Math.max(all.length, 1)));
  return all.map((one, i) => {
    const angle = (i / all.length) * 2 * Math.PI - Math.PI / 2;
    const at = { x: RADII.x * Math.cos(angle), y: RADII.y * Math.sin(angle) - 12 };
    return { ...one, at, angle, size };
  });
}

/**
 * What a session offers others, in the order of its edge.
 * @param {Session | null} session
 * @returns {Port[]}
 */
export function portsOf(session) {
  if (session === null) return [];
  const tracks = session.tracks.filter(({ location, status }) => location === "local" && status === "active");
  const channels = session.data_channels.filter(
    ({ location, status }) => location === "local" && status !== "inactive",
  );
  return [
    ...tracks.map(({ kind, track_name, status }) => ({ kind, name: track_name, status })),
    ...channels.map(({ name, status }) => ({ kind: "data", name, status })),
  ];
}

/**
 * @param {Session[]} sessions
 * @param {Adapter[]} adapters
 * @param {Traffic} traffic
 * @returns {Link[]}
 */
function linksBetween(sessions, adapters, traffic) {
  const ports = portsByName(sessions);
  /** @type {Link[]} */
  const links = [];
  /**
   * @param {string | null} source
   * @param {"track" | "data"} type
   * @param {string} name
   * @param {Pick<Link, "key" | "to" | "status" | "bits" | "words">} rest
   */
  const add = (source, type, name, rest) => {
    const found = ports.get(`${source} ${type} ${name}`);
    if (found && source !== null) links.push({ ...found, ...rest, from: source });
  };
  for (const session of sessions) {
    const to = session.session_id;
    for (const track of session.tracks) {
      if (track.location !== "remote" || track.status !== "active") continue;
      const bits = traffic.of(session, track);
      const ready = session.connected && !session.exchange;
      /** @type {Link["status"]} */
      const status = track.undelivered_codec ? "undelivered" : flow(ready, bits);
      const rest = { key: `${to} ${track.mid}`, to, status, bits };
      const words = trackInWords(session, track, bits);
      add(track.source_session_id, "track", track.track_name, { ...rest, words });
    }
    for (const channel of session.data_channels) {
      if (channel.location !== "remote" || channel.status === "inactive") continue;
      const bits = traffic.of(session, channel);
      const status = flow(channel.status === "active", bits);
      const words = `${channel.name} → ${called(session)}, data channel ${channel.id}${speed(bits)}`;
      const rest = { key: `${to} data ${channel.id}`, to, status, bits, words };
      add(channel.source_session_id, "data", channel.name, rest);
    }
  }
  for (const adapter of adapters) {
    if (adapter.location !== "remote") continue;
    const bits = traffic.to(adapter);
    const status = flow(adapter.status === "connected", bits);
    const words = `${adapter.track_name} → ${adapter.host} as ${adapter.codec}${speed(bits)}`;
    const rest = { key: adapter.adapter_id, to: adapter.adapter_id, status, bits, words };
    add(adapter.session_id, "track", adapter.track_name, rest);
  }
  return links;
}

/**
 * Where lines begin, by session, type and name.
 * @param {Session[]} sessions
 */
function portsByName(sessions) {
  /** @type {Map<string, Pick<Link, "port" | "ports" | "media">>} */
  const found = new Map();
  for (const session of sessions) {
    const ports = portsOf(session);
    ports.forEach(({ kind, name }, port) => {
      const type = kind === "data" ? "data" : "track";
      found.set(`${session.session_id} ${type} ${name}`, { port, ports: ports.length, media: kind });
    });
  }
  return found;
}

/**
 * @param {boolean} ready
 * @param {number | null} bits
 * @returns {Link["status"]}
 */
function flow(ready, bits) {
  if (!ready) return "waiting";
  return bits === 0 ? "quiet" : "flowing";
}

/** @param {number | null} bits */
function speed(bits) {
  return bits === null ? "" : `: ${rate(bits)}`;
}

/**
 * @param {Session} session
 * @param {Track} track
 * @param {number | null} bits
 */
function trackInWords(session, track, bits) {
  const codec = track.undelivered_codec ? ` (${track.undelivered_codec} not taken)` : "";
  return `${track.track_name} → ${called(session)}, mid ${track.mid}${speed(bits)}${codec}`;
}

// Lines.

/** @param {Node} node */
export function isSquare(node) {
  return node.kind === "adapter" || Boolean(node.session?.adapter_id);
}

/**
 * Where a publication stands on its session's edge: in a fan that looks at the hub.
 * @param {Node} node
 * @param {number} i
 * @param {number} count
 * @param {Point} [seen] where the node is, when `at` is not the place
 */
export function portAt(node, i, count, seen = node.at) {
  const inward = Math.atan2(-seen.y, -seen.x);
  const angle = inward + (i - (count - 1) / 2) * Math.min(0.5, 2.4 / Math.max(count, 1));
  return edge(node, angle, 0);
}

/**
 * From a publication to a receiver, by way of the hub.
 * @param {Link} link
 * @param {Node} from
 * @param {Node} to
 */
export function curve(link, from, to) {
  const begin = portAt(from, link.port, link.ports);
  const aim = { x: from.at.x * 0.15, y: from.at.y * 0.15 };
  const end = edge(to, Math.atan2(aim.y - to.at.y, aim.x - to.at.x), 3);
  return `M${point(begin)}C${point(begin, 0.1)} ${point(end, 0.1)} ${point(end)}`;
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
 * @param {Point} point
 * @param {number} [scale]
 */
function point({ x, y }, scale = 1) {
  return `${(x * scale).toFixed(1)} ${(y * scale).toFixed(1)}`;
}
