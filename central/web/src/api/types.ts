/** The shapes of `/api/v1`, as the page uses them. Times are RFC 3339 with offset; seconds are numbers. */

export type Colour = "red" | "orange" | "yellow" | "blue";
export type Role = "viewer" | "operator" | "engineer" | "administrator" | "auditor" | "enterprise";
export type AlarmState = "UNACK" | "ACKED" | "RTN_UNACK" | "NORMAL";
export type QualityClass = "good" | "uncertain" | "bad";
export type Value = number | boolean | string | null;

/** A name for people: Chinese is the source, English may be empty and then falls back to it. */
export type Label = string | { zh: string; en?: string | null } | null;
export type LevelCounts = Record<Colour, number>;

export interface ClockReport {
  now: string;
  factor: number;
  story: boolean;
}

export interface Session {
  person: { name: string; roles: string[]; scope: { sites: string[] } | null };
  version: string;
  clock: ClockReport;
}

export interface Site {
  name: string;
  label: Label;
  region: string | null;
  domain: string | null;
  longitude: number | null;
  latitude: number | null;
  worst: Colour | null;
  open: number;
  unacknowledged: number;
  levels: LevelCounts;
  blind: boolean;
  points: number;
}

export interface Platform {
  ingest_p99_ms: number | null;
  backlog_readings: number | null;
  backup: string;
  readings_per_s: number | null;
  loss_today: number | null;
  quarantined_today: number | null;
  last_evaluation: string | null;
}

export interface Overview {
  now: string;
  levels: LevelCounts;
  unacknowledged: number;
  gateways: { total: number; offline: number };
  points: number;
  platform: Platform;
  sites: Site[];
  timeliness: { upto_s: number | null; count: number }[];
}

export interface GatewayDevice {
  name: string;
  label: Label;
  state: string;
  since: string | null;
}

export interface GatewayBus {
  name: string;
  protocol: string;
  state: string;
  devices: GatewayDevice[];
}

export interface Gateway {
  name: string;
  label: Label;
  site: string | null;
  state: "online" | "offline" | "never";
  last_contact: string | null;
  offline_since: string | null;
  backlog: { readings: number; oldest: string | null; alarm_readings: number } | null;
  purpose: string | null;
  version: string | null;
  clock_state: string | null;
  points: number;
  devices: number;
  buses: GatewayBus[];
}

export interface Level {
  name: string;
  colour: Colour;
  op: string;
  limit: number;
  deadband: number;
  on_delay: number;
  off_delay: number;
  source: string;
  clause: string | null;
  status: string;
  confirmed_by: string | null;
  confirmed_on: string | null;
  valid_from: string | null;
  valid_to: string | null;
  active: boolean;
}

export interface EnumerationWord {
  value: number | boolean | string;
  label: Label;
}

export interface Point {
  id: string;
  site: string;
  gateway: string;
  device: string;
  label: Label;
  device_label: Label;
  object: string | null;
  object_label: Label;
  quantity: string;
  unit: string | null;
  low: number | null;
  high: number | null;
  type: string;
  decimals: number | null;
  stale: number | null;
  enumeration: EnumerationWord[] | null;
  limits: Level[];
}

export interface Quality {
  code: number;
  class: QualityClass;
  reason: string | null;
}

export interface Latest {
  point: string;
  value: Value;
  quality: Quality;
  source_time: string | null;
  received_time: string | null;
  late: boolean;
}

export interface Episode {
  id: string;
  rule: string;
  point: string;
  site: string;
  site_label: Label;
  region: string | null;
  object: string | null;
  object_label: Label;
  device: string;
  device_label: Label;
  label: Label;
  quantity: string;
  unit: string | null;
  decimals: number | null;
  level: Level;
  state: AlarmState;
  raised: string;
  returned: string | null;
  closed: string | null;
  acknowledged: { by: string; at: string; comment: string | null } | null;
  value: Value;
  value_time: string | null;
  value_quality: Quality | null;
  value_at_raise: Value;
  occurrence: number;
  late: boolean;
  purpose: string;
  time_to_next: { level: string; limit: number; seconds: number } | null;
}

export interface JournalLine {
  time: string;
  recorded: string | null;
  event: string;
  level: string | null;
  value: Value;
  actor: string | null;
  comment: string | null;
}

export interface EpisodeDetail extends Episode {
  journal: JournalLine[];
  levels: Level[];
}

export interface EventLine {
  id: string;
  time: string;
  kind: string;
  code: string;
  subject: string;
  params: Record<string, unknown>;
}

export interface Buckets {
  time: string[];
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
  last: Value[];
  count: number[];
  quality: number[];
}

export interface Cable {
  gateway: string;
  /** null: the cable's control does not answer */
  connected: boolean | null;
}

export interface Demo {
  story: boolean;
  cables: Cable[];
}
