// @ts-check
// What is sent: devices, screens, and the still picture that stands in for a camera that is off.

import { RoomError } from "./events.js";

/** @typedef {"audio" | "video"} Kind */

/** Modest on purpose: everyone receives everyone, in one size. Pass constraints for more. */
const CAMERA = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24, max: 30 } };
const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
/** One frame a second keeps a publication alive; the SFU collects a track that is silent for 30 s. */
const STILL_INTERVAL = 1_000;

const WORDS = /** @type {const} */ ({
  audio: { device: "microphone", none: "no_microphone" },
  video: { device: "camera", none: "no_camera" },
  both: { device: "camera or microphone", none: "no_devices" },
});

/**
 * @param {Kind} kind
 * @param {boolean | MediaTrackConstraints} wanted
 * @returns {boolean | MediaTrackConstraints}
 */
function constraints(kind, wanted) {
  return wanted === true ? (kind === "video" ? CAMERA : MICROPHONE) : wanted;
}

/**
 * Why a device could not be had, in words for the person in front of it.
 * @param {keyof typeof WORDS} what
 * @param {unknown} thrown
 */
function deviceError(what, thrown) {
  const { device, none } = WORDS[what];
  switch (thrown instanceof Error ? thrown.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return new RoomError("permission_denied", `This page may not use the ${device}: allow it in the browser.`);
    case "NotFoundError":
    case "OverconstrainedError":
      return new RoomError(none, `No ${device} found.`);
    case "NotReadableError":
    case "AbortError":
      return new RoomError("device_busy", `The ${device} does not start. Another program may be using it.`);
    default:
      return new RoomError("device_failed", `The ${device} does not start.`);
  }
}

function mediaDevices() {
  if (navigator.mediaDevices) return navigator.mediaDevices;
  throw globalThis.isSecureContext
    ? new RoomError("no_devices", "This browser offers no camera or microphone.")
    : new RoomError("insecure_context", "Camera and microphone need https (or localhost).");
}

/**
 * Open one device.
 * @param {Kind} kind
 * @param {boolean | MediaTrackConstraints} wanted
 * @returns {Promise<MediaStreamTrack>}
 */
export async function openDevice(kind, wanted = true) {
  const devices = mediaDevices();
  try {
    const stream = await devices.getUserMedia({ [kind]: constraints(kind, wanted) });
    return stream.getTracks()[0];
  } catch (thrown) {
    throw deviceError(kind, thrown);
  }
}

/** @param {Kind} kind */
async function blocked(kind) {
  try {
    const name = /** @type {PermissionName} */ (WORDS[kind].device);
    return (await navigator.permissions.query({ name })).state === "denied";
  } catch {
    return false; // This browser does not tell.
  }
}

/**
 * Open microphone and camera with one question to the person; what cannot be had is told in `problems`.
 * @param {{audio: boolean | MediaTrackConstraints, video: boolean | MediaTrackConstraints}} wanted
 * @returns {Promise<{tracks: MediaStreamTrack[], problems: RoomError[]}>}
 */
export async function openDevices(wanted) {
  const kinds = /** @type {Kind[]} */ (["audio", "video"]).filter((kind) => wanted[kind]);
  if (!kinds.length) return { tracks: [], problems: [] };
  try {
    const asked = Object.fromEntries(kinds.map((kind) => [kind, constraints(kind, wanted[kind])]));
    const stream = await mediaDevices().getUserMedia(asked);
    return { tracks: stream.getTracks(), problems: [] };
  } catch (thrown) {
    if (thrown instanceof RoomError) return { tracks: [], problems: [thrown] };
    return await openSingly(kinds, wanted, thrown);
  }
}

/**
 * Both together failed: have the one that works. Somebody who just said no is not asked again.
 * @param {Kind[]} kinds
 * @param {{audio: boolean | MediaTrackConstraints, video: boolean | MediaTrackConstraints}} wanted
 * @param {unknown} thrown
 */
async function openSingly(kinds, wanted, thrown) {
  const denials = await Promise.all(kinds.map(blocked));
  const refused = thrown instanceof Error && thrown.name === "NotAllowedError" && !denials.includes(true);
  /** @type {MediaStreamTrack[]} */
  const tracks = [];
  /** @type {RoomError[]} */
  const problems = [];
  for (const [index, kind] of kinds.entries()) {
    try {
      if (kinds.length === 1 || refused || denials[index]) throw deviceError(kind, thrown);
      tracks.push(await openDevice(kind, wanted[kind]));
    } catch (problem) {
      problems.push(/** @type {RoomError} */ (problem));
    }
  }
  return { tracks, problems: problems.length > 1 ? [deviceError("both", thrown)] : problems };
}

/**
 * Let the person choose a screen, a window or a tab; null when they changed their mind.
 * @returns {Promise<MediaStream | null>}
 */
export async function openScreen() {
  const devices = mediaDevices();
  if (!devices.getDisplayMedia) throw new RoomError("share_unsupported", "This browser cannot share its screen.");
  try {
    return await devices.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: true });
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "NotAllowedError") return null;
    throw new RoomError("share_failed", "The screen could not be captured.");
  }
}

/** A black picture that goes on being sent, slowly. */
class StillPicture {
  #timer;
  track;

  constructor() {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    let odd = false;
    const paint = () => {
      odd = !odd; // An unchanged canvas yields no frame.
      context.fillStyle = odd ? "#000000" : "#010101";
      context.fillRect(0, 0, canvas.width, canvas.height);
    };
    paint();
    this.track = canvas.captureStream().getVideoTracks()[0];
    this.#timer = setInterval(paint, STILL_INTERVAL);
  }

  stop() {
    clearInterval(this.#timer);
    this.track.stop();
  }
}

/** One source of ours: what a person sees of it, and what is sent in its place while it is off. */
export class LocalSource {
  /** @type {StillPicture | null} */
  #still = null;
  /** @type {Promise<void>} */
  #switching = Promise.resolve();
  #stopped = false;
  #changed;
  #lost;
  #owned;
  #reopen;

  /**
   * @param {string} source
   * @param {MediaStreamTrack} track
   * @param {object} options
   * @param {boolean} [options.muted]
   * @param {boolean} [options.simulcast] send video in three sizes
   * @param {boolean} [options.owned] we opened it, so we stop it
   * @param {(() => Promise<MediaStreamTrack>) | null} [options.reopen] opens the device again: a camera with it is
   *   stopped while it is off
   * @param {(local: LocalSource) => void} options.changed what is sent, or whether it is muted, changed
   * @param {(local: LocalSource) => void} options.lost the device, or the share, ended by itself
   */
  constructor(source, track, { muted = false, simulcast = false, owned = false, reopen = null, changed, lost }) {
    this.source = source;
    this.kind = /** @type {Kind} */ (track.kind);
    this.simulcast = simulcast && track.kind === "video";
    this.muted = false;
    this.track = track;
    /** What is sent now. */
    this.outgoing = track;
    this.stream = new MediaStream([track]);
    this.#owned = owned;
    this.#reopen = reopen;
    this.#changed = changed;
    this.#lost = lost;
    this.#watch(track);
    if (muted) this.#mute();
  }

  /**
   * Mute or unmute; calls are carried out in the order they were made.
   * @param {boolean} muted
   * @returns {Promise<void>}
   */
  setMuted(muted) {
    const done = this.#switching.then(async () => {
      if (muted === this.muted) return;
      if (muted) this.#mute();
      else await this.#unmute();
      this.#changed(this);
    });
    this.#switching = done.catch(() => {});
    return done;
  }

  /**
   * Send another track of the app's from now on.
   * @param {MediaStreamTrack} track
   */
  exchange(track) {
    if (this.#owned) this.track.stop();
    this.#owned = false;
    this.#reopen = null;
    this.#show(track);
    if (this.kind === "audio") track.enabled = !this.muted;
    if (this.kind === "audio" || !this.muted) this.outgoing = track;
    this.#changed(this);
  }

  /** Stop the device and what stands in for it. */
  stop() {
    this.#stopped = true;
    if (this.#owned) this.track.stop();
    this.#still?.stop();
    this.#still = null;
  }

  #mute() {
    this.muted = true;
    if (this.kind === "audio") {
      this.track.enabled = false;
      return;
    }
    this.#still ??= new StillPicture();
    this.outgoing = this.#still.track;
    if (this.#reopen) {
      this.track.stop(); // Its light goes out.
      this.stream.removeTrack(this.track);
    }
  }

  async #unmute() {
    if (this.track.readyState === "ended" && this.#reopen) this.#show(await this.#reopen());
    if (this.#stopped) return this.stop(); // It took so long to open that nobody wants it now.
    this.muted = false;
    this.track.enabled = true;
    this.outgoing = this.track;
    this.#still?.stop();
    this.#still = null;
  }

  /** @param {MediaStreamTrack} track */
  #show(track) {
    for (const old of this.stream.getTracks()) this.stream.removeTrack(old);
    this.stream.addTrack(track);
    this.track = track;
    this.#watch(track);
  }

  /** @param {MediaStreamTrack} track */
  #watch(track) {
    // Fires when it is unplugged, or the browser's own "stop sharing" is pressed; never for our own stop().
    track.addEventListener("ended", () => track === this.track && this.#lost(this));
  }
}
