// @ts-check
// Looks at the emulator once a second, and shows what it sees.

import { byId, draw, html, rate, svg } from "./dom.js";
import { Details } from "./details.js";
import { Faults } from "./faults.js";
import { JournalTable } from "./journal.js";
import { Picture } from "./picture.js";
import { KEPT, Traffic } from "./traffic.js";

/** @import { State } from "./types.js" */

const EVERY = 1000;
/** Sessions that are over and still told of. */
const ENDED = 50;

const traffic = new Traffic();
const faults = new Faults(() => look());
const picture = new Picture(byId("picture"), select);
const details = new Details(byId("details"), faults, select);
const journal = new JournalTable(select, () => {
  version = -1;
  look();
});

/** @type {string | null} */
let selected = null;
/** @type {State | null} */
let state = null;
let version = -1;
let timer = 0;
let looking = false;
let again = false;

/** @param {string | null} sessionId */
function select(sessionId) {
  selected = sessionId;
  if (state) show();
}

/** @param {string} path */
async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** One look at a time; whoever asks during one gets another. */
async function look() {
  again = looking;
  if (looking) return;
  looking = true;
  clearTimeout(timer);
  try {
    const [seen, asked] = await Promise.all([get(`state?ended=${ENDED}`), get("faults")]);
    state = /** @type {State} */ (seen);
    faults.show(asked);
    traffic.look(state, performance.now() / 1000);
    if (state.journal_version !== version) {
      version = state.journal_version;
      journal.show(await get(`journal?${journal.query}`), state.sessions);
    }
    show();
    gone(false);
  } catch {
    gone(true);
  } finally {
    looking = false;
    if (again) look();
    else if (!document.hidden) timer = setTimeout(look, EVERY);
  }
}

/** @param {boolean} isGone */
function gone(isGone) {
  byId("gone").hidden = !isGone;
  document.body.classList.toggle("stale", isGone);
  // It may be another one when it is back.
  if (isGone) version = -1;
}

function show() {
  if (state === null) return;
  const apps = new Set([...state.sessions.map(({ app_id: app }) => app), ...journal.apps]);
  // Whose something is, is said where there is more than one.
  document.body.classList.toggle("apps", apps.size > 1);
  figures(state, apps.size);
  picture.show(state, traffic, selected);
  details.show(state, traffic, selected);
}

/**
 * @param {State} state
 * @param {number} apps how many there are
 */
function figures({ sessions, adapters, clock_speed: speed }, apps) {
  const live = sessions.filter((session) => session.ended_because === null);
  const tracks = live.flatMap((session) => session.tracks).filter(({ status }) => status === "active");
  const channels = live
    .flatMap((session) => session.data_channels)
    .filter(({ status }) => status === "active");
  const { up, down } = traffic.now;
  /** @type {Record<string, string | number | null>} */
  const figures = {
    apps: apps > 1 ? apps : null,
    sessions: live.length,
    published: tracks.filter(({ location }) => location === "local").length,
    received: tracks.filter(({ location }) => location === "remote").length,
    channels: channels.length || null,
    adapters: adapters.filter(({ status }) => status !== "closed").length || null,
    clock: speed === 1 ? null : `× ${speed}`,
    in: traffic.real ? rate(up) : null,
    out: traffic.real ? rate(down) : null,
  };
  const shown = Object.entries(figures).filter(([, value]) => value !== null);
  draw(byId("figures"), shown, () =>
    shown.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, String(value)))),
  );
  draw(byId("history"), traffic.history, () => (traffic.real ? [curves()] : []));
}

/** What came and went lately. */
function curves() {
  const { history } = traffic;
  const most = Math.max(...history.map(({ up, down }) => Math.max(up, down)), 1);
  const span = Math.min(Math.max(history.length, 20), KEPT);
  const x = (/** @type {number} */ i) => ((150 * (span - history.length + i)) / (span - 1)).toFixed(1);
  const y = (/** @type {number} */ bits) => (33 - (30 * bits) / most).toFixed(1);
  const points = (/** @type {"up" | "down"} */ way) =>
    history.map((one, i) => `${x(i)},${y(one[way])}`).join(" ");
  return svg(
    "svg",
    { viewBox: "0 0 150 36", preserveAspectRatio: "none" },
    svg("polyline", { points: points("down"), class: "down" }),
    svg("polyline", { points: points("up"), class: "up" }),
  );
}

byId("where").textContent = `${location.origin}/v1`;
document.addEventListener("visibilitychange", () => !document.hidden && look());
document.addEventListener("keydown", (event) => event.key === "Escape" && select(null));
look();
