/** What a value's quality, age and range mean for how it is shown. */

import type { Point, Quality, Shown } from "../api/types";
import { secondsSince } from "./clock";

/** How a value is drawn; `none` when nothing was ever measured. */
export type Look = "good" | "uncertain" | "bad" | "stale" | "late" | "none";

/** OPC UA StatusCodes by name, as far as the page has words for them. */
const NAMES: Record<number, string> = {
  0x00000000: "GOOD",
  0x00960000: "GOOD_LOCAL_OVERRIDE",
  0x40000000: "UNCERTAIN",
  0x408f0000: "UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE",
  0x40900000: "UNCERTAIN_LAST_USABLE_VALUE",
  0x40910000: "UNCERTAIN_SUBSTITUTE_VALUE",
  0x40920000: "UNCERTAIN_INITIAL_VALUE",
  0x40930000: "UNCERTAIN_SENSOR_NOT_ACCURATE",
  0x40940000: "UNCERTAIN_ENGINEERING_UNITS_EXCEEDED",
  0x40950000: "UNCERTAIN_SUB_NORMAL",
  0x80000000: "BAD",
  0x80020000: "BAD_INTERNAL_ERROR",
  0x80050000: "BAD_COMMUNICATION_ERROR",
  0x80070000: "BAD_DECODING_ERROR",
  0x800a0000: "BAD_TIMEOUT",
  0x80310000: "BAD_NO_COMMUNICATION",
  0x80320000: "BAD_WAITING_FOR_INITIAL_DATA",
  0x80340000: "BAD_NODE_ID_UNKNOWN",
  0x803c0000: "BAD_OUT_OF_RANGE",
  0x80890000: "BAD_CONFIGURATION_ERROR",
  0x808a0000: "BAD_NOT_CONNECTED",
  0x808b0000: "BAD_DEVICE_FAILURE",
  0x808c0000: "BAD_SENSOR_FAILURE",
  0x808d0000: "BAD_OUT_OF_SERVICE",
};

/** The key of the quality's words; an unknown code falls back to its class. */
export function reasonKey(quality: Quality): string {
  const name = NAMES[(quality.code & 0xffff0000) >>> 0];
  return name ?? quality.class.toUpperCase();
}

/** Whether a value is older than its point allows. */
export function isStale(item: Shown | undefined, point: Point | undefined, now: number): boolean {
  const age = secondsSince(item?.source_time, now);
  return age !== null && point?.stale != null && age > point.stale;
}

/** How to draw a value: staleness hides the rest, then bad, uncertain, late. */
export function look(item: Shown | undefined, point: Point | undefined, now: number): Look {
  if (!item) return "none";
  if (isStale(item, point, now)) return "stale";
  if (item.quality.class === "bad") return "bad";
  if (item.quality.class === "uncertain") return "uncertain";
  return item.late ? "late" : "good";
}
