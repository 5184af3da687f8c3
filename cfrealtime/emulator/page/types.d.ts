// What the emulator's own doors answer, as far as the page looks at it.

export type Location = "local" | "remote";

export interface Track {
  mid: string;
  location: Location;
  kind: "audio" | "video";
  track_name: string;
  source_session_id: string | null;
  status: "active" | "inactive";
  packets: number | null;
  bytes: number | null;
  undelivered_codec?: string | null;
}

export interface Channel {
  id: number;
  location: Location;
  name: string;
  source_session_id: string | null;
  status: "active" | "inactive" | "initializing";
  bytes: number | null;
}

export interface Session {
  session_id: string;
  app_id: string;
  number: number;
  correlation_id: string | null;
  adapter_id: string | null;
  connected: boolean;
  lost: boolean;
  ended_because: string | null;
  exchange: "awaiting_answer" | null;
  faults: string[];
  tracks: Track[];
  data_channels: Channel[];
}

export interface Adapter {
  adapter_id: string;
  location: Location;
  codec: string;
  app_id: string;
  session_id: string;
  track_name: string;
  host: string | null;
  status: "connected" | "reconnecting" | "closed";
  closed_because: string | null;
  bytes_processed: number;
}

export interface State {
  at: number;
  clock_speed: number;
  journal_version: number;
  sessions: Session[];
  sessions_ended: number;
  adapters: Adapter[];
  turn_credentials: unknown[];
}

export interface Call {
  n: number;
  at: number;
  seconds: number | null;
  app_id: string | null;
  session_id: string | null;
  operation: string | null;
  request?: string;
  track_names: string[];
  status: number | null;
  error_code: string | null;
  item_errors: string[];
  faults: string[];
}

export interface Breach {
  n: number;
  rule: string;
  detail: string;
}

export interface Happening {
  after: number;
  at: number;
  event: string;
  session_id: string | null;
  detail: string;
}

export interface Held {
  what: string;
  since: number | null;
}

export interface Journal {
  counts: Record<string, number>;
  calls: Call[];
  breaches: Breach[];
  events: Happening[];
  held: Held[];
}

export interface Fault {
  id: string;
  kind: string;
  seen: number;
  hits: number;
  session?: string;
  track?: string;
}

// What the picture is made of.

export interface Point {
  x: number;
  y: number;
}

export interface Node {
  id: string;
  kind: "session" | "adapter";
  session: Session | null;
  app: string;
  name: string;
  below: string;
  at: Point;
  angle: number;
  size: number;
}

export interface Port {
  kind: string;
  name: string;
  status: string;
}

export interface Link {
  key: string;
  from: string;
  to: string;
  port: number;
  ports: number;
  media: string;
  status: "flowing" | "quiet" | "waiting" | "undelivered";
  bits: number | null;
  words: string;
}
