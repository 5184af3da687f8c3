// @ts-check
// One MediaStream for as long as a participant has a source, whatever carries it: a media element is set up once.

/** @typedef {import("./rooms.js").Participant} Participant */

/** Streams of what is received, by participant and source. */
export class Streams {
  /** @type {Map<string, MediaStream>} */
  #streams = new Map();

  /**
   * The stream of a participant's source, holding exactly this track.
   * @param {string} id
   * @param {string} source
   * @param {MediaStreamTrack | undefined} media
   */
  holding(id, source, media) {
    const key = `${id} ${source}`;
    const stream = this.#streams.get(key) ?? new MediaStream();
    this.#streams.set(key, stream);
    for (const old of stream.getTracks()) if (old !== media) stream.removeTrack(old);
    if (media) stream.addTrack(media);
    return stream;
  }

  /**
   * Forget what none of these has any more.
   * @param {ReadonlyMap<string, Participant>} participants
   */
  keep(participants) {
    for (const [key, stream] of this.#streams) {
      const [id, source] = key.split(" ", 2);
      if (participants.get(id)?.tracks.has(source)) continue;
      for (const track of stream.getTracks()) stream.removeTrack(track);
      this.#streams.delete(key);
    }
  }
}
