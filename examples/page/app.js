// @ts-check
// The meeting page: what happens in the room, shown; what is pressed, done. Everything about media and the protocol
// is in rooms.js; everything about tiles in tiles.js.

import { Room, RoomError } from "/cfrealtime/rooms.js";
import { Chat } from "./chat.js";
import { invitation, way } from "./host.js";
import { Inspection } from "./inspection.js";
import { Stage } from "./tiles.js";

/**
 * @param {string} id
 * @returns {any}
 */
const $ = (id) => document.getElementById(id);

const parameters = new URLSearchParams(location.search);
/** Above this level somebody speaks, and still does in the pauses between words. */
const SPEAKING = 0.02;
const PAUSE = 600;
const LOOK = 150;

const STATES = { idle: "", preparing: "Preparing", connecting: "Connecting", connected: "Connected", reconnecting: "Reconnecting", closed: "" };

/** What needs which right. */
const BUTTONS = /** @type {const} */ ([["mute", "microphone"], ["camera-switch", "camera"], ["share", "screen"]]);

/** @type {Record<string, string>} */
const GOODBYES = {
  left: "You have left the meeting.",
  replaced: "You have joined from somewhere else.",
  removed: "You have been removed from the meeting.",
  room_closed: "The meeting has ended.",
  timeout: "You were away for too long.",
  join_failed: "Your camera and microphone could not be connected. Try again.",
  media_failed: "Your connection breaks again and again. Try another network.",
  room_full: "This room is full.",
  name_invalid: "A name has 1 to 64 characters.",
};

/** @type {Room | null} */
let room = null;
/** @type {import("./host.js").Invitation | null} who the host expects here, where people do not choose */
let invited = null;
const chat = new Chat($("log"));
const stage = new Stage($("stage"), (blocked) => ($("hear").hidden = !blocked));
const inspection = new Inspection($("inspection"));

// -- before and after ------------------------------------------------------------------------------------------------

function enter() {
  const name = $("name").value.trim();
  const id = $("room").value.trim();
  if (!name || !id) return;
  remember(name);
  history.replaceState(null, "", address(id, parameters.has("debug")));
  $("title").textContent = id;
  $("address").textContent = address(id);
  document.title = `${id} · Meeting`;
  chat.clear();
  show("meeting");
  $("title").focus();

  const { url, options } = way(id, name);
  const may = (/** @type {string} */ source) => invited?.publish?.includes(source) ?? true;
  room = new Room(url, { name, audio: may("microphone"), video: may("camera"), ...options });
  listen(room);
  room.join().catch(() => {}); // Why it failed has been told by its events.
  if (parameters.has("debug")) inspection.start(`/rooms/${encodeURIComponent(id)}/inspect`);
}

/** @param {string} note */
function exit(note) {
  inspection.stop();
  stage.show([]);
  document.title = "Meeting";
  $("hear").hidden = true;
  $("notices").replaceChildren(); // The note says it.
  $("note").textContent = note;
  $("note").hidden = false;
  show("lobby");
  (invited ? $("join") : $("room")).focus();
}

/** @param {"lobby" | "meeting" | "refusal"} view */
function show(view) {
  document.body.dataset.view = view;
  for (const id of ["lobby", "meeting", "refusal"]) $(id).hidden = id !== view;
}

/**
 * The host knows who this is and where they go: nothing is left to fill in.
 * @param {import("./host.js").Invitation} given
 */
function welcome(given) {
  invited = given;
  const watching = given.publish?.length === 0;
  const told = watching ? "You see and hear the others; they do not see or hear you." : "You are asked for your camera and microphone next.";
  $("name").value = given.name;
  $("room").value = given.room;
  $("heading").textContent = `Join ${given.room}`;
  $("lead").textContent = `You are invited as ${given.name}. ${told}`;
  for (const element of document.querySelectorAll("[data-chosen]")) element.toggleAttribute("hidden", true);
}

/** @param {RoomError} refusal */
function turnAway({ code, message }) {
  $("refusal").dataset.code = code;
  $("refusal-text").textContent = message;
  show("refusal");
}

/**
 * @param {string} id
 * @param {boolean} [debug]
 */
function address(id, debug = false) {
  const url = new URL(location.pathname, location.href);
  url.searchParams.set("room", id);
  if (debug) url.searchParams.set("debug", "1");
  return url.href;
}

/** @param {string} [name] */
function remember(name) {
  try {
    if (name) localStorage.setItem("name", name);
    return localStorage.getItem("name") ?? "";
  } catch {
    return ""; // The browser keeps nothing for this page.
  }
}

// -- what happens ----------------------------------------------------------------------------------------------------

/** @param {Room} joined */
function listen(joined) {
  let settled = false; // Those who were here before us did not just come.
  /** @type {RoomError | null} */
  let refusal = null;
  joined.on("state", ({ state, reason }) => {
    showState(joined);
    if (state === "reconnecting") say("Connection lost. Reconnecting.");
    if (state === "closed" && joined === room) {
      const words = refusal?.code === reason ? refusal?.message : null;
      exit(GOODBYES[reason ?? ""] ?? words ?? "The meeting is over for you.");
      room = null;
    }
  });
  joined.on("participants", ({ participants }) => {
    stage.show(participants);
    showState(joined);
    settled = true;
  });
  joined.on("participant-joined", ({ participant }) => {
    if (settled && !participant.isSelf) report(`${participant.name} joined`);
  });
  joined.on("participant-left", ({ participant }) => {
    if (joined.state === "connected" && !participant.isSelf) report(`${participant.name} left`);
  });
  joined.on("track-added", ({ participant, track }) => {
    if (track.source === "screen" && !participant.isSelf) say(`${participant.name} is sharing the screen`);
  });
  joined.on("message", ({ sender, text }) => {
    if (text === null) return;
    chat.said({ by: sender?.id ?? "", name: sender?.name ?? "Meeting", text, mine: sender?.isSelf ?? false });
    if ($("meeting").dataset.chat === "closed") showUnread(Number($("unread").textContent) + 1);
  });
  joined.on("error", (error) => {
    const { code, message } = (refusal = error);
    if (code === "negotiation_failed") return; // "Reconnecting" says it, and it heals by itself.
    notice(code, joined.state === "preparing" ? `${message} You join without it.` : message);
  });
  listenToVoices(joined);
}

/** @param {Room} joined */
async function listenToVoices(joined) {
  /** @type {Map<string, number>} when each was heard last */
  const heard = new Map();
  while (joined.state !== "closed") {
    const levels = await joined.audioLevels().catch(() => new Map());
    const now = performance.now();
    for (const [id, level] of levels) if (level > SPEAKING) heard.set(id, now);
    const speaking = [...levels.keys()].filter((id) => now - (heard.get(id) ?? -Infinity) < PAUSE);
    stage.showSpeaking(new Set(speaking));
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

/** @param {Room} joined */
function showState(joined) {
  const { state, self, participants } = joined;
  const microphone = self?.tracks.get("microphone");
  const camera = self?.tracks.get("camera");
  $("meeting").dataset.roomState = state;
  $("status").textContent = STATES[state];
  $("count").textContent = participants.length > 1 ? `${participants.length} people` : "";
  $("alone").hidden = !(state === "connected" && participants.length === 1);
  $("lost").hidden = state !== "reconnecting";
  showWaiting(state);
  label("mute", self !== null && (!microphone || microphone.muted), "Unmute", "Mute", "mic-off", "mic");
  label("camera-switch", self !== null && (!camera || camera.muted), "Camera on", "Camera off", "camera-off", "camera");
  const sharing = self?.tracks.has("screen") ?? false;
  $("share").querySelector("span").textContent = sharing ? "Stop sharing" : "Share screen";
  $("share").toggleAttribute("data-on", sharing);
  for (const [id, source] of BUTTONS) {
    $(id).disabled = !self;
    $(id).hidden = joined.rights?.publish?.includes(source) === false;
  }
  const silent = joined.rights?.message === false;
  for (const element of $("say").elements) element.disabled = silent;
  $("text").placeholder = silent ? "You can only read here" : "Write to everyone";
}

/** @param {import("/cfrealtime/rooms.js").RoomState} state */
function showWaiting(state) {
  $("waiting").hidden = state !== "preparing" && state !== "connecting";
  $("waiting-text").textContent = state === "preparing" ? "Asking for camera and microphone…" : "Connecting…";
  $("waiting-hint").textContent =
    state === "preparing" ? "Your browser may show a question. You can join without, too." : "";
}

/**
 * @param {string} id
 * @param {boolean} off
 * @param {string} whenOff
 * @param {string} whenOn
 * @param {string} iconOff
 * @param {string} iconOn
 */
function label(id, off, whenOff, whenOn, iconOff, iconOn) {
  const button = $(id);
  button.querySelector("span").textContent = off ? whenOff : whenOn;
  button.querySelector("use").setAttribute("href", `#${off ? iconOff : iconOn}`);
  button.toggleAttribute("data-off", off);
}

/** @param {string} text */
function say(text) {
  $("announcer").textContent = text;
}

/** @param {string} text */
function report(text) {
  chat.happened(text);
}

/**
 * @param {string} code
 * @param {string} message
 */
function notice(code, message) {
  const shown = [...$("notices").children].find((other) => other.dataset.code === code && other.dataset.text === message);
  if (shown) return;
  const box = document.createElement("div");
  box.className = "notice";
  Object.assign(box.dataset, { code, text: message });
  const text = document.createElement("span");
  text.textContent = message;
  const dismiss = document.createElement("button");
  dismiss.setAttribute("aria-label", "Dismiss");
  dismiss.innerHTML = '<svg aria-hidden="true"><use href="#cross" /></svg>';
  dismiss.onclick = () => box.remove();
  box.append(text, dismiss);
  $("notices").append(box);
  setTimeout(() => box.remove(), 9_000);
}

/** @param {number} count */
function showUnread(count) {
  $("unread").textContent = String(count);
  $("unread").hidden = count === 0;
  if (count) $("unread").setAttribute("aria-label", `${count} unread`);
}

// -- what is pressed -------------------------------------------------------------------------------------------------

/**
 * Do it, with the button out of reach meanwhile; a refusal is shown.
 * @param {HTMLButtonElement} button
 * @param {(joined: Room) => Promise<unknown>} work
 */
async function press(button, work) {
  if (!room || button.disabled) return;
  button.disabled = true;
  try {
    await work(room);
  } catch (error) {
    const { code, message } = /** @type {RoomError} */ (error);
    if (code !== "left" && code !== "unpublished") notice(code, message);
  } finally {
    button.disabled = false;
    if (document.activeElement === document.body) button.focus(); // A disabled button loses the focus.
  }
}

/** @param {"microphone" | "camera"} source */
const toggle = (source) => async (/** @type {Room} */ joined) => {
  const track = joined.self?.tracks.get(source);
  await joined.setMuted(source, Boolean(track && !track.muted));
};

$("mute").onclick = () => press($("mute"), toggle("microphone"));
$("camera-switch").onclick = () => press($("camera-switch"), toggle("camera"));
$("share").onclick = () =>
  press($("share"), async (joined) =>
    joined.self?.tracks.has("screen") ? joined.stopSharing() : await joined.shareScreen(),
  );
$("leave").onclick = () => room?.leave();
$("hear").onclick = () => stage.unblockSound();

$("chat-switch").onclick = () => openChat($("meeting").dataset.chat === "closed");

/** @param {boolean} open */
function openChat(open) {
  $("meeting").dataset.chat = open ? "open" : "closed";
  $("chat-switch").setAttribute("aria-expanded", String(open));
  if (open) showUnread(0);
}

$("say").onsubmit = (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text || !room) return;
  if (room.send(text)) $("text").value = "";
  else notice("not_connected", "Not connected just now. Your message is still there.");
};

$("invite").onclick = async () => {
  try {
    await navigator.clipboard.writeText($("address").textContent);
    notice("copied", "The address is on the clipboard.");
  } catch {
    notice("copied", $("address").textContent);
  }
};

$("entry").onsubmit = (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  enter();
};

// Closing the tab is leaving; a crash or a dead network is not, and is given time to come back.
addEventListener("pagehide", () => room?.leave());

$("name").value = parameters.get("name") ?? remember();
$("room").value = parameters.get("room") ?? "lobby";
$("insecure").hidden = isSecureContext;
openChat(!matchMedia("(max-width: 860px)").matches);

try {
  const given = await invitation();
  if (given) welcome(given);
  show("lobby");
  if (parameters.get("join") === "1" && $("name").value.trim()) enter();
  else (given ? $("join") : $("name").value ? $("room") : $("name")).focus();
} catch (error) {
  const silence = new RoomError("unreachable", "The meeting does not answer. Load the page again to try once more.");
  turnAway(error instanceof RoomError ? error : silence);
}
