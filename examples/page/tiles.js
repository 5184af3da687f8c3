// @ts-check
// People and shares on the stage: one tile per participant, one element per share, laid out to be as large as they fit.

/** @typedef {import("/cfrealtime/rooms.js").Participant} Participant */
/** @typedef {import("/cfrealtime/rooms.js").Track} Track */

const GAP = 12;
/** Rather scroll than show tiles narrower than this. */
const SMALLEST = 130;

/**
 * A new element from HTML of our own; never from anything a participant wrote.
 * @param {string} html
 * @returns {HTMLElement}
 */
function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return /** @type {HTMLElement} */ (template.content.firstElementChild);
}

/**
 * @template {Element} T
 * @param {ParentNode} parent
 * @param {string} selector
 * @returns {T}
 */
function find(parent, selector) {
  return /** @type {T} */ (parent.querySelector(selector));
}

/** @param {string} name */
function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return letters.map((word) => [...word][0]?.toUpperCase() ?? "").join("");
}

/** @param {string} text */
function hue(text) {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return sum;
}

/**
 * @param {HTMLElement} target
 * @param {string} name
 * @param {string | boolean} value true for an empty attribute, false for none
 */
function mark(target, name, value) {
  if (value === false) target.removeAttribute(name);
  else target.setAttribute(name, value === true ? "" : value);
}

/** Everyone in the room, as elements. */
export class Stage {
  #stage;
  #tiles;
  #shares;
  /** @type {(blocked: boolean) => void} */
  #soundBlocked;

  /**
   * @param {HTMLElement} stage
   * @param {(blocked: boolean) => void} soundBlocked
   */
  constructor(stage, soundBlocked) {
    this.#stage = stage;
    this.#tiles = /** @type {HTMLElement} */ (find(stage, "#tiles"));
    this.#shares = /** @type {HTMLElement} */ (find(stage, "#shares"));
    this.#soundBlocked = soundBlocked;
    new ResizeObserver(() => this.#layOut()).observe(this.#tiles);
  }

  /**
   * Make the stage show exactly these.
   * @param {readonly Participant[]} participants
   */
  show(participants) {
    // Oneself last: the others are who one came for.
    const people = [...participants].sort((a, b) => Number(a.isSelf) - Number(b.isSelf));
    const sharing = people.filter((person) => person.tracks.has("screen"));
    this.#keepOnly(this.#tiles, "data-participant", people);
    this.#keepOnly(this.#shares, "data-share-of", sharing);
    for (const person of people) this.#showPerson(person);
    for (const person of sharing) this.#showShare(person);
    mark(this.#stage, "data-sharing", sharing.length > 0);
    this.#layOut();
  }

  /** @param {ReadonlySet<string>} speaking participant ids */
  showSpeaking(speaking) {
    for (const tile of this.#tiles.children) {
      mark(/** @type {HTMLElement} */ (tile), "data-speaking", speaking.has(tile.getAttribute("data-participant") ?? ""));
    }
  }

  /** Play what the browser held back; it wants to be asked from within a click. */
  unblockSound() {
    this.#soundBlocked(false);
    for (const audio of this.#stage.querySelectorAll("audio")) this.#play(audio);
  }

  /**
   * @param {HTMLElement} parent
   * @param {string} attribute
   * @param {readonly Participant[]} people
   */
  #keepOnly(parent, attribute, people) {
    const ids = new Set(people.map((person) => person.id));
    for (const child of [...parent.children]) if (!ids.has(child.getAttribute(attribute) ?? "")) child.remove();
  }

  /** @param {Participant} person */
  #showPerson(person) {
    const tile = this.#tileOf(person);
    const camera = person.tracks.get("camera");
    const microphone = person.tracks.get("microphone");
    const seen = Boolean(camera && !camera.muted);
    const muted = !microphone || microphone.muted;
    mark(tile, "data-name", person.name);
    mark(tile, "data-muted", muted);
    mark(tile, "data-camera", seen ? "on" : "off");
    mark(tile, "data-state", person.state);
    find(tile, ".who").textContent = person.name;
    find(tile, ".avatar").textContent = initials(person.name);
    const states = [
      person.isSelf && "you",
      muted && "muted",
      !seen && "camera off",
      person.state === "reconnecting" && "reconnecting",
    ];
    tile.setAttribute("aria-label", [person.name, ...states.filter(Boolean)].join(", "));
    this.#feed(find(tile, "video"), camera);
    if (!person.isSelf) this.#feed(find(tile, "audio"), microphone);
  }

  /** @param {Participant} person */
  #tileOf(person) {
    const known = this.#tiles.querySelector(`[data-participant="${CSS.escape(person.id)}"]`);
    if (known) return /** @type {HTMLElement} */ (known);
    const tile = element(`
      <li class="tile">
        <div class="avatar" aria-hidden="true"></div>
        <video autoplay playsinline muted aria-hidden="true"></video>
        <div class="label" aria-hidden="true">
          <svg><use href="#mic-off" /></svg><span class="bars"><i></i><i></i><i></i></span><span class="who"></span>
        </div>
        <div class="veil" aria-hidden="true">Reconnecting…</div>
      </li>`);
    tile.dataset.participant = person.id;
    tile.style.setProperty("--hue", String(hue(person.identity)));
    if (person.isSelf) {
      tile.dataset.self = "";
      find(tile, ".label").append(element('<span class="you">You</span>'));
    } else {
      tile.append(document.createElement("audio"));
    }
    const video = /** @type {HTMLVideoElement} */ (find(tile, "video"));
    video.muted = true; // The attribute counts only in a document that is being parsed.
    video.addEventListener("resize", () => mark(tile, "data-picture", video.videoWidth > 0));
    video.addEventListener("emptied", () => mark(tile, "data-picture", false));
    const self = this.#tiles.querySelector("[data-self]");
    this.#tiles.insertBefore(tile, person.isSelf ? null : self);
    return tile;
  }

  /** @param {Participant} person */
  #showShare(person) {
    let share = /** @type {HTMLElement | null} */ (this.#shares.querySelector(`[data-share-of="${CSS.escape(person.id)}"]`));
    if (!share) {
      share = element(`
        <figure class="share">
          <video autoplay playsinline muted></video>
          <figcaption><svg aria-hidden="true"><use href="#screen" /></svg><span></span></figcaption>
          <audio></audio>
        </figure>`);
      share.dataset.shareOf = person.id;
      /** @type {HTMLVideoElement} */ (find(share, "video")).muted = true;
      this.#shares.append(share);
    }
    const caption = person.isSelf ? "You are sharing your screen" : `${person.name} is sharing`;
    find(share, "figcaption span").textContent = caption;
    /** @type {HTMLVideoElement} */ (find(share, "video")).setAttribute("aria-label", caption);
    this.#feed(find(share, "video"), person.tracks.get("screen"));
    if (!person.isSelf) this.#feed(find(share, "audio"), person.tracks.get("screen_audio"));
  }

  /**
   * @param {HTMLMediaElement} media
   * @param {Track | undefined} track
   */
  #feed(media, track) {
    const stream = track?.stream ?? null;
    if (media.srcObject === stream) return;
    media.srcObject = stream;
    if (stream) this.#play(media);
  }

  /** @param {HTMLMediaElement} media */
  async #play(media) {
    if (!media.srcObject) return;
    try {
      await media.play();
    } catch (error) {
      // Anything else means that the element got another stream, or left, before it played.
      if (error instanceof Error && error.name === "NotAllowedError") this.#soundBlocked(true);
    }
  }

  /** The number of columns that makes the tiles largest. */
  #layOut() {
    const count = this.#tiles.children.length;
    const { clientWidth: width, clientHeight: height } = this.#tiles;
    if (!count || !width) return;
    const upright = height > width * 1.15 && !this.#stage.hasAttribute("data-sharing");
    const shape = upright ? (count > 1 ? 1 : 3 / 4) : 16 / 9;
    let best = 0;
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const across = (width - GAP * (columns - 1)) / columns;
      const down = ((height - GAP * (rows - 1)) / rows) * shape;
      best = Math.max(best, Math.min(across, down));
    }
    const tile = Math.max(Math.floor(best), Math.min(SMALLEST, width));
    this.#tiles.style.setProperty("--tile-width", `${tile}px`);
    this.#tiles.style.setProperty("--tile-shape", String(shape));
  }
}
