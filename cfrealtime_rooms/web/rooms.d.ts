/**
 * A room of cfrealtime_rooms in the browser. `join` does everything; `Room` lets an app listen first.
 *
 * Nothing here throws out of an event handler: faults are `error` events with a code for programs and a sentence for
 * people. Methods that return promises reject with a `RoomError`.
 */

export type Kind = "audio" | "video";

/** `microphone`, `camera`, `screen`, `screen_audio`, or a free name. */
export type Source = "microphone" | "camera" | "screen" | "screen_audio" | (string & {});

/**
 * `preparing`: the browser asks for the devices. `reconnecting`: the channel or the media is interrupted, and is being
 * brought back without anyone's help. `closed` is final; `room.reason` says why.
 */
export type RoomState = "idle" | "preparing" | "connecting" | "connected" | "reconnecting" | "closed";

/** A publication as the room tells of it. */
export interface PublicationView {
  readonly id: string;
  readonly source: Source;
  readonly kind: Kind;
  readonly muted: boolean;
  readonly state: "negotiating" | "live" | "dead";
  /** Its simulcast layers, the lowest quality first; left out where it has one only. */
  readonly rids?: readonly string[];
}

/** What the host lets us do. What it takes away is closed at the SFU, whatever a client does. */
export interface Rights {
  /** The sources that may be published; null for every one. */
  readonly publish: readonly Source[] | null;
  readonly subscribe: boolean;
  readonly message: boolean;
  /** Sources that the host has muted: closed, and not to be published until they are gone from here. */
  readonly muted: readonly Source[];
}

/** A participant as the room tells of it. */
export interface ParticipantView {
  readonly id: string;
  /** The app's own user id. */
  readonly identity: string;
  readonly name: string;
  readonly state: "connected" | "reconnecting";
  readonly attributes: Readonly<Record<string, string>>;
  readonly publications: readonly PublicationView[];
}

/** Something that a participant publishes. */
export interface Track {
  /** The publication; null for our own before the room has it. */
  readonly id: string | null;
  readonly source: Source;
  readonly kind: Kind;
  readonly muted: boolean;
  readonly state: "negotiating" | "live" | "dead";
  /** The simulcast layers that can be preferred, the lowest quality first; null where there is one only, and for our own. */
  readonly rids: readonly string[] | null;
  /** For a media element; the same stream for as long as the participant has the source. Null while not received. */
  readonly stream: MediaStream | null;
}

/** A participant with what can be seen and heard of it. A value: a change makes a new object. */
export interface Participant extends Omit<ParticipantView, "publications"> {
  readonly isSelf: boolean;
  readonly tracks: ReadonlyMap<Source, Track>;
}

export interface RoomEvents {
  state: { readonly state: RoomState; readonly reason: string | null };
  /** After every change of participants: for apps that draw everything anew. */
  participants: { readonly participants: readonly Participant[] };
  "participant-joined": { readonly participant: Participant };
  "participant-changed": { readonly participant: Participant };
  "participant-left": { readonly participant: Participant; readonly reason: string };
  /** A track can be shown or heard from now on. */
  "track-added": { readonly participant: Participant; readonly track: Track };
  "track-removed": { readonly participant: Participant; readonly track: Track };
  /** Our own messages come back too: what is shown is what the others have got. */
  message: {
    /** Null for the host, and for somebody who has left already. */
    readonly sender: Participant | null;
    readonly text: string | null;
    readonly data: unknown;
    /** Participant ids; null for everyone. */
    readonly to: readonly string[] | null;
  };
  /** The host has changed what we may do. Sources that may not be sent any more have been stopped, with an `error`. */
  rights: { readonly rights: Rights };
  /** The room's own attributes changed. */
  attributes: { readonly attributes: Readonly<Record<string, string>> };
  error: RoomError;
}

/**
 * A refusal or a fault. Codes of the room are those of the signaling protocol. Codes of this module:
 * `permission_denied`, `no_camera`, `no_microphone`, `no_devices`, `device_busy`, `device_failed`, `device_lost`,
 * `insecure_context`, `share_unsupported`, `share_failed`, `negotiation_failed`, `not_joined`, `already_joined`,
 * `unknown_source`, `unpublished`, `left`, `protocol_unknown`, `internal`.
 */
export class RoomError extends Error {
  constructor(code: string, message: string, cause?: unknown);
  readonly code: string;
}

/** A way to the room other than a WebSocket. */
export interface Channel {
  send(text: string): void;
  close(): void;
}

/**
 * Opens a channel; called again after each drop. Every event is about the channel of this call. What it throws is a
 * failure to be tried again, except a `RoomError`: that is a refusal.
 */
export type OpenChannel = (events: {
  message(text: string): void;
  /** The channel dropped: another one is opened soon. */
  close(): void;
  /** The host does not want us: no other one is opened. A `RoomError` is told as an `error`, and its code is the reason. */
  refused(why: string | RoomError): void;
}) => Channel | Promise<Channel>;

export interface RoomOptions {
  /** Used where the host gives no name itself. */
  name?: string;
  attributes?: Record<string, string>;
  /** True or constraints open the microphone; a track is the app's own. Default false. */
  audio?: boolean | MediaTrackConstraints | MediaStreamTrack;
  /** The same for the camera. */
  video?: boolean | MediaTrackConstraints | MediaStreamTrack;
  /** Have a section for data channels in the first offer. */
  data?: boolean;
  /** Instead of a WebSocket to the URL. */
  channel?: OpenChannel;
}

/**
 * An address, or a function that makes a fresh one (with a fresh ticket) for each attempt. A `RoomError` that it throws is
 * the host's refusal, and final; after anything else there is another attempt.
 */
export type RoomURL = string | URL | (() => string | URL | Promise<string | URL>);

/** One person's place in a room: joined once, left once. */
export class Room {
  constructor(url: RoomURL, options?: RoomOptions);

  readonly state: RoomState;
  /** Why the room closed: `left`, `replaced`, `removed`, `room_closed`, `timeout` … */
  readonly reason: string | null;
  readonly self: Participant | null;
  readonly participants: Participant[];
  /** What the room takes: `name_length`, `text_length` … */
  readonly limits: Readonly<Record<string, number>>;
  /** What the host lets us do; null before the room was joined. */
  readonly rights: Rights | null;
  /** The room's own attributes, set by the host. */
  readonly attributes: Readonly<Record<string, string>>;

  /** Listen; returns the function that stops listening. */
  on<Type extends keyof RoomEvents>(type: Type, listener: (event: RoomEvents[Type]) => void): () => void;

  /** Open the devices and enter. Devices that cannot be had are `error` events, and the room is entered without. */
  join(): Promise<this>;
  leave(): void;

  /** Publish a track of the app's own; where the source is published already, its track is exchanged. */
  publish(
    source: Source,
    track: MediaStreamTrack,
    /** `simulcast`: send video in three sizes, of which each receiver may prefer one. */
    options?: { muted?: boolean; simulcast?: boolean },
  ): Promise<void>;
  unpublish(source: Source): void;
  /**
   * Mute: silence or a still picture is sent, nothing is negotiated. A camera that this module opened is stopped (its
   * light goes out). Unmuting a microphone or camera that is not there opens and publishes it.
   */
  setMuted(source: Source, muted: boolean): Promise<void>;
  /** Let the person choose a screen; false when they changed their mind. */
  shareScreen(): Promise<boolean>;
  stopSharing(): void;

  /** False while there is no connection to the room. */
  send(content: string | { data: unknown }, to?: string[]): boolean;
  /** Merge into our own attributes; an empty value removes its key. */
  setAttributes(attributes: Record<string, string>): boolean;
  /**
   * Say what to receive (ids), where the host leaves that to us: all of it every time, the most wanted first. What is
   * left out is not received.
   */
  select(wanted?: { publications?: string[]; participants?: string[] }): boolean;
  /** Say in which layer to receive publications (by id): a step, one of their rids, or null for the host's default. */
  preferLayers(layers: Record<string, "low" | "medium" | "high" | (string & {}) | null>): boolean;
  /** How loud everyone is, 0 to 1, by participant id. */
  audioLevels(): Promise<Map<string, number>>;
}

/** Make a room and join it. */
export function join(url: RoomURL, options?: RoomOptions): Promise<Room>;
