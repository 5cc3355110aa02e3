/** A trend's columns and its gaps, from the collector's buckets. Times are seconds since 1970. */

import type { Buckets, Value } from "../api/types";

export interface Gap {
  from: number;
  to: number;
}

/** A span of time and how many readings of a kind are in it. */
export interface Counted extends Gap {
  count: number;
}

export interface Trend {
  /** time, mean, min and max; null breaks the line */
  columns: [number[], (number | null)[], (number | null)[], (number | null)[]];
  gaps: Gap[];
  /** moments whose readings were bad */
  bad: number[];
  /** spans whose readings came late (补传), and those whose time nobody knew */
  late: Counted[];
  estimated: Counted[];
  readings: number;
}

const BAD = 0x80000000;

const numeric = (value: Value | undefined): number | null => {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" ? value : null;
};

/**
 * Turn buckets of `width` seconds (empty ones are left out) into a line never drawn across a gap.
 *
 * A gap is a silence longer than `stale` seconds (and than two buckets) between two buckets.
 */
export function trend(buckets: Buckets, width: number, stale: number): Trend {
  const columns: Trend["columns"] = [[], [], [], []];
  const gaps: Gap[] = [];
  const bad: number[] = [];
  const late: Counted[] = [];
  const estimated: Counted[] = [];
  const longest = Math.max(stale, 2 * width);
  let before: number | null = null;
  let readings = 0;
  buckets.time.forEach((iso, index) => {
    const count = buckets.count[index] ?? 0;
    if (!count) return;
    const time = Date.parse(iso) / 1000;
    readings += count;
    if (before !== null && time - before > longest) breakLine(columns, gaps, before + width, time);
    const follows = before !== null && time - before <= longest ? before : null;
    grow(late, { from: time, to: time + width, count: buckets.late[index] ?? 0 }, follows);
    grow(estimated, { from: time, to: time + width, count: buckets.estimated[index] ?? 0 }, follows);
    before = time;
    const mean = numeric(buckets.mean[index]) ?? numeric(buckets.last[index]);
    if (((buckets.quality[index] ?? 0) >>> 0) >= BAD) bad.push(time);
    push(columns, time, mean, numeric(buckets.min[index]) ?? mean, numeric(buckets.max[index]) ?? mean);
  });
  return { columns, gaps, bad, late, estimated, readings };
}

/** Add a bucket's readings of a kind: to the span that ends with the bucket it `follows`, or as a span of their own. */
function grow(spans: Counted[], own: Counted, follows: number | null): void {
  if (!own.count) return;
  const last = spans.at(-1);
  if (last && follows !== null && last.to > follows) {
    last.to = own.to;
    last.count += own.count;
  } else spans.push(own);
}

/** Add the newest value, across a gap if there was one; an older or equal time changes nothing. */
export function withNewest(base: Trend, time: number, value: number, stale: number): Trend {
  const last = base.columns[0].at(-1);
  if (last !== undefined && time <= last) return base;
  const columns = base.columns.map((column) => [...column]) as Trend["columns"];
  const gaps = [...base.gaps];
  if (last !== undefined && time - last > stale) breakLine(columns, gaps, last, time);
  push(columns, time, value, value, value);
  return { ...base, columns, gaps };
}

/** Show the silence from the last value to `now`, once it is longer than `stale`. */
export function withSilence(base: Trend, stale: number, now: number): Trend {
  const last = base.columns[0].at(-1);
  if (last === undefined || now - last <= stale) return base;
  return { ...base, gaps: [...base.gaps, { from: last, to: now }] };
}

function breakLine(columns: Trend["columns"], gaps: Gap[], from: number, to: number): void {
  gaps.push({ from, to });
  push(columns, (from + to) / 2, null, null, null);
}

function push(columns: Trend["columns"], time: number, ...values: (number | null)[]): void {
  columns[0].push(time);
  values.forEach((value, index) => (columns[index + 1] as (number | null)[]).push(value));
}
