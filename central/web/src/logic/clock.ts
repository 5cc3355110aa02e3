/** The collector's clock seen from here: an anchor and a factor. Times are milliseconds since 1970. */

import type { ClockReport } from "../api/types";

export interface Anchor {
  /** the collector's time at `local` */
  server: number;
  /** this page's monotonic time (performance.now) when the report was taken */
  local: number;
  factor: number;
  story: boolean;
}

/** Fix the collector's clock by a report that arrived at `local`, having travelled `travel` ms. */
export function anchor(report: ClockReport, local: number, travel = 0): Anchor {
  const factor = report.factor > 0 ? report.factor : 1;
  return { server: Date.parse(report.now) + travel * factor, local, factor, story: report.story };
}

/** Return the collector's time at the monotonic moment `local`. */
export function serverTime(at: Anchor, local: number): number {
  return at.server + (local - at.local) * at.factor;
}

/** Whole seconds from `iso` to `now`, never negative; null when there is no such time. */
export function secondsSince(iso: string | null | undefined, now: number): number | null {
  if (!iso) return null;
  const then = Date.parse(iso);
  return Number.isNaN(then) ? null : Math.max(0, Math.floor((now - then) / 1000));
}
