// @ts-check
// The sessions around the SFU, and a line for everything that one of them sends to another.

import { draw, html, rate, svg } from "./dom.js";
import { curve, isSquare, layout, portAt, portsOf } from "./layout.js";

/** @import { Link, Node, Port, Session, State } from "./types.js" */
/** @import { Traffic } from "./traffic.js" */

const WIDTH = 920;
const HEIGHT = 620;
const HUB = 46;
/** The size of a node that has room for words around it. */
const ROOMY = 30;
/** More lines than this do not move: it would cost more than it shows. */
const MOVING = 150;

export class Picture {
  /**
   * @param {Element} place
   * @param {(sessionId: string | null) => void} select
   */
  constructor(place, select) {
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
    const viewBox = `${-WIDTH / 2} ${-HEIGHT / 2} ${WIDTH} ${HEIGHT}`;
    const label = { role: "group", "aria-label": "Sessions, and what flows between them" };
    this.svg = svg("svg", { viewBox, ...label }, this.links, this.hub, this.nodes);
    this.svg.addEventListener("click", (event) => event.target === this.svg && select(null));
    this.heading = html("h3");
    this.empty = empty(this.heading);
    this.legend = legend();
    place.append(this.svg, this.empty, this.legend);
  }

  /**
   * @param {State} state
   * @param {Traffic} traffic
   * @param {string | null} selected
   */
  show(state, traffic, selected) {
    const { nodes, links } = layout(state, traffic);
    this.empty.hidden = nodes.size > 0;
    this.heading.textContent = state.sessions_ended > 0 ? "Nobody is here any more" : "Nobody is here yet";
    this.legend.hidden = nodes.size === 0;
    this.svg.toggleAttribute("data-empty", nodes.size === 0);
    this.svg.classList.toggle("still", links.length > MOVING);
    this.drawHub(traffic, nodes.size);
    this.drawLinks(links, nodes);
    this.drawNodes(nodes, traffic, selected);
    this.selected = selected;
    this.highlight(this.hovered !== null && nodes.has(this.hovered) ? this.hovered : null);
  }

  /**
   * @param {Traffic} traffic
   * @param {number} count
   */
  drawHub(traffic, count) {
    const { up, down } = traffic.now;
    draw(this.hub, [count > 0, traffic.real, rate(up), rate(down)], () => {
      if (count === 0) return [];
      const name = svg("text", { y: traffic.real ? -10 : 5, class: "name" }, "SFU");
      const flows = [svg("text", { y: 9 }, `↑ ${rate(up)}`), svg("text", { y: 24 }, `↓ ${rate(down)}`)];
      return [svg("circle", { r: HUB }), name, ...(traffic.real ? flows : [])];
    });
  }

  /**
   * @param {Link[]} links
   * @param {Map<string, Node>} nodes
   */
  drawLinks(links, nodes) {
    for (const link of links) {
      const line = this.lines.get(link.key) ?? this.line(link.key);
      const [from, to] = [nodes.get(link.from), nodes.get(link.to)];
      if (!from || !to) continue;
      line.setAttribute("d", curve(link, from, to));
      line.setAttribute("class", `${link.media} ${link.status}`);
      line.setAttribute("stroke-width", width(link.bits).toFixed(1));
      line.setAttribute("data-from", link.from);
      line.setAttribute("data-to", link.to);
      if (line.firstChild) line.firstChild.textContent = link.words;
    }
    const keys = new Set(links.map((link) => link.key));
    removeOthers(this.lines, (key) => keys.has(key));
  }

  /** @param {string} key */
  line(key) {
    const line = svg("path", {}, svg("title"));
    this.lines.set(key, line);
    this.links.append(line);
    return line;
  }

  /**
   * @param {Map<string, Node>} nodes
   * @param {Traffic} traffic
   * @param {string | null} selected
   */
  drawNodes(nodes, traffic, selected) {
    for (const node of nodes.values()) {
      const { session, ...place } = node;
      const group = this.groups.get(node.id) ?? this.group(node);
      const pressed = node.id === selected;
      group.setAttribute("class", `node ${stateOf(session)}${pressed ? " selected" : ""}`);
      group.setAttribute("transform", `translate(${node.at.x.toFixed(1)} ${node.at.y.toFixed(1)})`);
      if (session) group.setAttribute("aria-pressed", String(pressed));
      const ports = portsOf(session);
      const flows = flowsOf(session, traffic);
      const shown = [place, ports, session?.faults, session?.exchange, flows !== ""];
      draw(group, shown, () => figure(node, ports, flows !== ""));
      const words = group.querySelector(".rates");
      if (words) words.textContent = flows;
    }
    removeOthers(this.groups, (id) => nodes.has(id));
  }

  /**
   * A node's element, which stays the same as long as the node is there: it can be clicked and have the focus.
   * @param {Node} node
   */
  group(node) {
    const pick = () => node.kind === "session" && this.select(this.selected === node.id ? null : node.id);
    const group = svg("g", {
      "data-node": node.id,
      "aria-label": `${node.name} ${node.below}`,
      ...(node.kind === "session" && { tabindex: 0, role: "button" }),
      onclick: pick,
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        pick();
      },
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
    this.svg.classList.toggle("chosen", id !== null && this.groups.has(id));
    for (const line of this.lines.values()) {
      const ends = [line.getAttribute("data-from"), line.getAttribute("data-to")];
      line.classList.toggle("concerned", ends.includes(id));
    }
  }
}

/**
 * @param {Map<string, SVGElement>} elements
 * @param {(key: string) => boolean} stays
 */
function removeOthers(elements, stays) {
  for (const [key, element] of elements) {
    if (stays(key)) continue;
    element.remove();
    elements.delete(key);
  }
}

/**
 * What a node looks like.
 * @param {Node} node
 * @param {Port[]} ports
 * @param {boolean} flows whether there is a line for rates
 */
function figure(node, ports, flows) {
  const { session, size } = node;
  const side = size * 1.76;
  const square = { x: -side / 2, y: -side / 2, width: side, height: side, rx: 7 };
  // Words stand outside, where no lines are.
  const above = Math.sin(node.angle) < -0.8;
  const under = above ? -size - (flows ? 25 : 10) : size + 17;
  return [
    isSquare(node) ? svg("rect", { class: "shape", ...square }) : svg("circle", { class: "shape", r: size }),
    svg("text", { class: size < ROOMY ? "name small" : "name", y: size * 0.16 }, node.name),
    ...ports.map(({ kind, name }, i) => {
      const { x, y } = portAt({ ...node, at: { x: 0, y: 0 } }, i, ports.length, node.at);
      return svg("circle", { class: `port ${kind}`, cx: x, cy: y, r: 4.5 }, svg("title", {}, name));
    }),
    svg("text", { class: "below", y: under }, svg("tspan", { class: "app" }, `${node.app} · `), node.below),
    flows && svg("text", { class: "rates", y: under + 15 }),
    session &&
      session.faults.length > 0 &&
      svg("text", { class: "bolt", x: -size * 0.85, y: -size * 0.6 }, "⚡"),
    session?.exchange && unanswered(size, above),
  ].filter(Boolean);
}

/**
 * @param {number} size
 * @param {boolean} above whether the place above is taken
 */
function unanswered(size, above) {
  const words = "offer unanswered";
  return size < ROOMY
    ? svg("text", { class: "open mark", x: size * 0.95, y: -size * 0.6 }, "?", svg("title", {}, words))
    : svg("text", { class: "open", y: above ? size + 17 : -size - 8 }, words);
}

/** @param {Session | null} session */
function stateOf(session) {
  if (!session || session.connected) return "connected";
  return session.lost ? "lost" : "connecting";
}

/**
 * @param {Session | null} session
 * @param {Traffic} traffic
 */
function flowsOf(session, traffic) {
  if (!session || !traffic.real) return "";
  const [up, down] = [traffic.sum(session, "local"), traffic.sum(session, "remote")];
  return [up > 0 && `↑ ${rate(up)}`, down > 0 && `↓ ${rate(down)}`].filter(Boolean).join("  ");
}

/** @param {number | null} bits */
function width(bits) {
  return bits ? Math.max(1.4, Math.min(5, Math.log10(bits / 3000) * 1.7)) : 1.4;
}

function legend() {
  const kinds = {
    ...{ audio: "audio", video: "video", data: "data" },
    ...{ waiting: "not connected yet", undelivered: "codec not taken" },
  };
  const items = Object.entries(kinds).map(([kind, words]) => html("span", { class: kind }, words));
  return html("p", { class: "legend" }, items);
}

/**
 * What to do when there is nothing to see.
 * @param {HTMLElement} heading
 */
function empty(heading) {
  // The secret is known to the shell alone; one that does not know it says what is missing.
  const lines = [
    'curl -X POST -H "Authorization: Bearer ${CLOUDFLARE_REALTIME_APP_SECRET:?paste the export line first}" \\',
    '  "$CLOUDFLARE_REALTIME_BASE_URL/apps/$CLOUDFLARE_REALTIME_APP_ID/sessions/new"',
  ].join("\n");
  const words =
    "First paste into your shell the export line that the emulator printed when it started. " +
    "Applications started there come here instead of to Cloudflare; or open a session by hand:";
  const hint = "Sessions, their tracks and what flows between them appear here.";
  return html(
    "div",
    { class: "empty", hidden: true },
    heading,
    html("p", {}, words),
    html("pre", {}, lines),
    html("button", { class: "quiet", onclick: () => navigator.clipboard?.writeText(lines) }, "Copy"),
    html("p", {}, hint),
  );
}
