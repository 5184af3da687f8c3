// @ts-check
// One RTCPeerConnection to the SFU, for one epoch. Its callers see to it that exchanges never overlap.

import { sleep } from "./events.js";

/** @typedef {import("./media.js").LocalSource} LocalSource */
/** @typedef {{mid: string, source: string, kind: string, muted: boolean, rids?: string[]}} OfferedTrack */

/** Candidates travel in the SDP; those that take longer than this are done without. */
const GATHERING = 1_000;
/** A connection that was interrupted this long is lost. */
const INTERRUPTION = 5_000;

/** @type {Record<string, number>} */
const MAX_BITRATE = { camera: 800_000, screen: 2_500_000 };

/** Simulcast layers, the smallest first. Where one is missing the SFU takes the next from a to z. */
const LAYERS = [
  { rid: "c", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: "b", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: "a", scaleResolutionDownBy: 1, maxBitrate: 2_500_000 },
];

/**
 * @param {LocalSource} local
 * @returns {RTCRtpTransceiverInit}
 */
function encoding({ source, simulcast }) {
  if (simulcast) return { direction: "sendonly", sendEncodings: LAYERS };
  const maxBitrate = MAX_BITRATE[source];
  return { direction: "sendonly", ...(maxBitrate && { sendEncodings: [{ maxBitrate }] }) };
}

/** Senders by source, receivers by mid, and whether media gets through. */
export class Connection {
  #pc;
  #report;
  /** @type {Map<string, RTCRtpTransceiver>} */
  #senders = new Map();
  /**
   * Transceivers of sources that ended. Those with a section give it back with the next offer of ours, except the one
   * that carries the others. Those whose offer was taken back have none, and are used again: stop() on one makes
   * Chromium mix its sections up.
   * @type {RTCRtpTransceiver[]}
   */
  #ended = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #interruption;
  /** @type {"connecting" | "connected" | "failed" | "closed"} */
  state = "connecting";

  /**
   * @param {RTCIceServer[]} iceServers
   * @param {{data: boolean, report: (state: "connected" | "failed") => void}} options
   */
  constructor(iceServers, { data, report }) {
    this.#pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.#report = report;
    this.#pc.onconnectionstatechange = () => this.#stateChanged();
    if (data) this.#pc.createDataChannel("room", { negotiated: true, id: 0 });
  }

  /** Sources that have a section, in an offer sent or being made. */
  get sources() {
    return new Set(this.#senders.keys());
  }

  /**
   * Our offer: one new section for each of these sources.
   * @param {readonly LocalSource[]} locals
   * @returns {Promise<{sdp: string, tracks: OfferedTrack[]}>}
   */
  async offer(locals) {
    this.#giveBack();
    const added = locals.map((local) => ({ local, transceiver: this.#add(local) }));
    const sdp = await this.#describe();
    const tracks = added.map(({ local, transceiver }) => ({
      mid: /** @type {string} */ (transceiver.mid),
      source: local.source,
      kind: local.kind,
      muted: local.muted,
      ...(local.simulcast && { rids: LAYERS.map(({ rid }) => rid) }),
    }));
    return { sdp, tracks };
  }

  /**
   * The SFU's answer to our offer.
   * @param {string} sdp
   */
  async accept(sdp) {
    await this.#pc.setRemoteDescription({ type: "answer", sdp });
  }

  /**
   * Our answer to the SFU's offer.
   * @param {string} sdp
   * @returns {Promise<string>}
   */
  async answer(sdp) {
    await this.#pc.setRemoteDescription({ type: "offer", sdp });
    return await this.#describe();
  }

  /** Take back an offer that came to nothing, with the sections that were new in it. */
  async rollback() {
    if (this.#pc.signalingState === "have-local-offer") await this.#pc.setLocalDescription({ type: "rollback" });
    for (const [source, { mid }] of this.#senders) if (mid === null) this.retire(source);
  }

  /**
   * Send what the source sends now.
   * @param {LocalSource} local
   */
  async refresh(local) {
    await this.#senders.get(local.source)?.sender.replaceTrack(local.outgoing);
  }

  /**
   * Stop sending a source.
   * @param {string} source
   */
  retire(source) {
    const transceiver = this.#senders.get(source);
    if (!transceiver) return;
    this.#senders.delete(source);
    this.#ended.push(transceiver);
    if (transceiver.mid === null) transceiver.direction = "inactive";
    transceiver.sender.replaceTrack(null).catch(() => {}); // Refused only by a closed connection.
  }

  /**
   * The receiver of a mid, if an offer has brought that mid.
   * @param {string} mid
   * @returns {RTCRtpReceiver | undefined}
   */
  receiver(mid) {
    return this.#pc.getTransceivers().find((transceiver) => transceiver.mid === mid)?.receiver;
  }

  /** Sources whose packets leave. */
  async sending() {
    /** @type {string[]} */
    const sources = [];
    const asked = new Map(this.#senders);
    for (const [source, { sender }] of asked) {
      const reports = [...(await sender.getStats()).values()];
      if (reports.some((report) => report.type === "outbound-rtp" && report.bytesSent > 0)) sources.push(source);
    }
    // Published anew meanwhile, it has yet to send.
    return sources.filter((source) => asked.get(source) === this.#senders.get(source));
  }

  /**
   * How loud a source of ours is, 0 to 1.
   * @param {string} source
   */
  async level(source) {
    const stats = await this.#senders.get(source)?.sender.getStats();
    for (const report of stats?.values() ?? []) if (report.type === "media-source") return report.audioLevel ?? 0;
    return 0;
  }

  /** Drop everything; nothing is reported any more. */
  close() {
    this.state = "closed";
    clearTimeout(this.#interruption);
    this.#pc.onconnectionstatechange = null;
    this.#pc.close();
  }

  /** Let the sections of what ended go. Only for an offer: a stopped transceiver spoils an answer to the SFU's. */
  #giveBack() {
    // Chromium drops a bundle's transport, and connects anew, when the section that stands first in it is given back.
    const carrier = /^a=group:BUNDLE (\S+)/m.exec(this.#pc.localDescription?.sdp ?? "")?.[1];
    this.#ended = this.#ended.filter((transceiver) => {
      if (transceiver.mid === null) return true;
      if (transceiver.mid !== carrier) transceiver.stop();
      else transceiver.direction = "inactive";
      return transceiver.mid === carrier;
    });
  }

  /** @param {LocalSource} local */
  #add(local) {
    const transceiver = this.#reuse(local) ?? this.#pc.addTransceiver(local.outgoing, encoding(local));
    this.#senders.set(local.source, transceiver);
    return transceiver;
  }

  /** @param {LocalSource} local */
  #reuse(local) {
    if (local.simulcast) return null; // Its encodings are settled when it is made.
    const spare = this.#ended.find(({ mid, receiver }) => mid === null && receiver.track.kind === local.kind);
    if (!spare) return null;
    this.#ended = this.#ended.filter((transceiver) => transceiver !== spare);
    spare.direction = "sendonly";
    spare.sender.replaceTrack(local.outgoing).catch(() => {}); // Refused only by a closed connection.
    return spare;
  }

  /** Make and set our description; the first one waits for its candidates, but not for ever. */
  async #describe() {
    const pc = this.#pc;
    await pc.setLocalDescription();
    if (pc.connectionState !== "connected") await this.#gather(pc);
    return /** @type {RTCSessionDescription} */ (pc.localDescription).sdp;
  }

  /** @param {RTCPeerConnection} pc */
  async #gather(pc) {
    /** @type {Promise<void>} */
    const gathered = new Promise((resolve) => {
      const check = () => pc.iceGatheringState === "complete" && resolve();
      pc.addEventListener("icegatheringstatechange", check);
      check();
    });
    await Promise.race([gathered, sleep(GATHERING)]);
  }

  #stateChanged() {
    clearTimeout(this.#interruption);
    const state = this.#pc.connectionState;
    if (state === "connected") this.#become("connected");
    if (state === "failed") this.#become("failed");
    if (state === "disconnected") this.#interruption = setTimeout(() => this.#become("failed"), INTERRUPTION);
  }

  /** @param {"connected" | "failed"} state */
  #become(state) {
    if (this.state === state || this.state === "failed" || this.state === "closed") return;
    this.state = state;
    this.#report(state);
  }
}
