/** The ledger of what has gone: what is left of a day, and by which rule it went. */

import type { RemovedDay } from "../api/types";

export type Left = "raw" | "minutes" | "hours" | "none";

/** The rollups that remain of a line's day, as the lines beside it tell. */
export function left(line: RemovedDay, lines: readonly RemovedDay[]): Left {
  const gone = new Set(lines.filter((other) => other.site === line.site && other.day === line.day).map((other) => other.tier));
  if (!gone.has("1min")) return gone.has("1h") ? "hours" : "raw";
  return gone.has("1h") ? "none" : "minutes";
}

/** `general:400d` as whose setting it was and the days it said (null: for ever). */
export function rule(whose: string): { whose: string; days: number | null } {
  const [who = "", span = ""] = whose.split(":");
  const days = Number.parseInt(span, 10);
  return { whose: who, days: Number.isNaN(days) ? null : days };
}
