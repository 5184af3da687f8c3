// @ts-check
// Who is in the room and which mid carries what, as values. Nothing in here knows a browser.

/** @typedef {import("./rooms.js").PublicationView} PublicationView */
/** @typedef {import("./rooms.js").ParticipantView} ParticipantView */
/** @typedef {import("./rooms.js").Participant} Participant */
/** @typedef {import("./rooms.js").Track} Track */
/** @typedef {Readonly<Record<string, string>>} Attributes */
/** @typedef {{revision: number, participants: ReadonlyMap<string, ParticipantView>, attributes: Attributes}} Roster */
/** @typedef {{revision: number, participants: ParticipantView[], attributes?: Attributes}} Snapshot */
/**
 * @typedef {object} Delta
 * @property {number} since
 * @property {number} revision
 * @property {ParticipantView[]} [participants]
 * @property {{id: string, reason: string}[]} [left]
 * @property {Attributes} [attributes] the room's own, if they changed
 */

/** @type {Roster} */
export const EMPTY = Object.freeze({ revision: -1, participants: new Map(), attributes: {} });

/**
 * The room as a snapshot says it is.
 * @param {Snapshot} snapshot
 * @returns {Roster}
 */
export function fromSnapshot(snapshot) {
  return {
    revision: snapshot.revision,
    participants: new Map(snapshot.participants.map((view) => [view.id, view])),
    attributes: snapshot.attributes ?? {},
  };
}

/**
 * The roster after a delta: the same one when the delta is old, null when a delta before it is missing.
 * @param {Roster} roster
 * @param {Delta} delta
 * @returns {Roster | null}
 */
export function applyDelta(roster, delta) {
  if (delta.since !== roster.revision) return delta.revision <= roster.revision ? roster : null;
  const participants = new Map(roster.participants);
  for (const view of delta.participants ?? []) participants.set(view.id, view);
  for (const { id } of delta.left ?? []) participants.delete(id);
  return { revision: delta.revision, participants, attributes: delta.attributes ?? roster.attributes };
}

/**
 * The mid map turned around: publication id to the mid that carries it.
 * @param {Readonly<Record<string, string>>} mids
 * @returns {Map<string, string>}
 */
export function carriers(mids) {
  return new Map(Object.entries(mids).map(([mid, publication]) => [publication, mid]));
}

/**
 * What is new, changed or gone between two keyed sets of values.
 * @template T
 * @param {ReadonlyMap<string, T>} before
 * @param {ReadonlyMap<string, T>} after
 * @returns {{added: T[], changed: T[], removed: T[]}}
 */
function compare(before, after) {
  const entries = [...after];
  return {
    added: entries.filter(([key]) => !before.has(key)).map(([, value]) => value),
    changed: entries.filter(([key, value]) => before.has(key) && before.get(key) !== value).map(([, value]) => value),
    removed: [...before].filter(([key]) => !after.has(key)).map(([, value]) => value),
  };
}

/**
 * The tracks that can be shown or heard.
 * @param {Participant | undefined} participant
 */
function perceptible(participant) {
  return new Map([...(participant?.tracks ?? [])].filter(([, track]) => track.stream));
}

/**
 * The new tracks, but the old objects where nothing differs.
 * @param {ReadonlyMap<string, Track> | undefined} old
 * @param {Map<string, Track>} tracks
 * @returns {ReadonlyMap<string, Track>}
 */
export function keepTracks(old, tracks) {
  if (!old) return tracks;
  let same = old.size === tracks.size;
  for (const [source, track] of tracks) {
    const earlier = old.get(source);
    const equal = earlier && sameFields(earlier, track);
    if (equal) tracks.set(source, earlier);
    else same = false;
  }
  return same ? old : tracks;
}

/**
 * @param {object} a
 * @param {object} b
 */
function sameFields(a, b) {
  const same = (/** @type {unknown} */ one, /** @type {unknown} */ other) =>
    one === other || (Array.isArray(one) && Array.isArray(other) && one.join() === other.join());
  return Object.entries(a).every(([key, value]) => same(value, Reflect.get(b, key)));
}

/**
 * @param {Participant} old
 * @param {Participant} now
 */
export function sameParticipant(old, now) {
  const { attributes: _, ...rest } = old;
  return sameFields(rest, now) && JSON.stringify(old.attributes) === JSON.stringify(now.attributes);
}

/**
 * What apps are told of a change, as events with their types, in order. Nothing where nothing changed.
 * @param {ReadonlyMap<string, Participant>} before
 * @param {ReadonlyMap<string, Participant>} after
 * @param {ReadonlyMap<string, string>} reasons of those who left, by id
 * @returns {[string, object][]}
 */
export function news(before, after, reasons) {
  /** @type {[string, object][]} */
  const events = [];
  const { added, changed, removed } = compare(before, after);
  for (const participant of removed) {
    for (const track of perceptible(participant).values()) events.push(["track-removed", { participant, track }]);
    events.push(["participant-left", { participant, reason: reasons.get(participant.id) ?? "unknown" }]);
  }
  for (const participant of added) events.push(["participant-joined", { participant }]);
  for (const participant of changed) events.push(["participant-changed", { participant }]);
  for (const participant of [...added, ...changed]) {
    const tracks = compare(perceptible(before.get(participant.id)), perceptible(participant));
    for (const track of tracks.removed) events.push(["track-removed", { participant, track }]);
    for (const track of tracks.added) events.push(["track-added", { participant, track }]);
  }
  return events;
}
