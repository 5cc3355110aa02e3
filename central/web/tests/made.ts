/** Episodes, points and gateways for the tests, with only what a test says. */
import type { Episode, Gateway, Latest, Level, Point, Site } from "../src/api/types";

const label = (zh: string) => ({ zh, en: "" });

export const level = (over: Partial<Level> = {}): Level => ({
  name: "HH", name_en: "", colour: "red", op: ">=", limit: 90, deadband: 0, on_delay: 0, off_delay: 0, source: "", clause: null, status: "V",
  confirmed_by: null, confirmed_on: null, valid_from: null, valid_to: null, active: true, ...over,
});

export const episode = (over: Partial<Episode> = {}): Episode => ({
  id: "A-1", rule: "r", point: "s/g/d/p", site: "s", site_label: label("油库"), region: "441502", object: null, object_label: null,
  device: "d", device_label: label("设备"), label: label("液位"), quantity: "level", unit: "m", decimals: 2, level: level(), state: "UNACK",
  raised: "2026-06-12T22:00:00+08:00", returned: null, closed: null, acknowledged: null, value: 1, value_time: null, value_quality: null,
  value_at_raise: 1, occurrence: 1, late: false, purpose: "production", time_to_next: null,
  origin: "centre", confirmation: "", overlays: [], verification: null, comments: 0, message: null, chattering: false, first_up: null, unknown_since: null, fault: null, ...over,
});

export const buffer = (over: Partial<Gateway["buffer"]> = {}): Gateway["buffer"] => ({
  bytes: null, quota_bytes: null, hours_left: null, medium: null, failing: null, reserve_only: false, drops: {}, ...over,
});

export const clock = (over: Partial<Gateway["clock"]> = {}): Gateway["clock"] => ({
  state: null, reason: null, offset_seconds: null, within_seconds: null, maximum_error_seconds: null, pauses: null, grade: null, ...over,
});

export const gateway = (over: Partial<Gateway> = {}): Gateway => ({
  name: "g", label: label("网关"), site: "s", state: "online", last_contact: null, offline_since: null,
  backlog: { readings: 0, oldest: null, alarm_readings: 0 }, buffer: buffer(), purpose: "production", version: null, clock: clock(), points: 0, devices: 0, buses: [], ...over,
});

export const site = (over: Partial<Site> = {}): Site => ({
  name: "s", label: label("油库"), region: "441502", domain: "construction", longitude: 115.3, latitude: 22.8, worst: null, open: 0,
  unacknowledged: 0, levels: { red: 0, orange: 0, yellow: 0, blue: 0 }, blind: false, points: 1, ...over,
});

export const point = (over: Partial<Point> = {}): Point => ({
  id: "s/g/d/p", site: "s", gateway: "g", device: "d", label: label("液位"), device_label: label("设备"), object: null, object_label: null,
  quantity: "level", unit: "m", low: 0, high: 16, type: "float", decimals: 2, stale: 30, enumeration: [], limits: [], ...over,
});

export const latest = (over: Partial<Latest> = {}): Latest => ({
  point: "s/g/d/p", value: 1, quality: { code: 0, class: "good", reason: null }, source_time: "2026-06-12T22:00:00+08:00",
  received_time: "2026-06-12T22:00:01+08:00", late: false, estimated: false, ...over,
});
