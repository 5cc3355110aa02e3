/** What points delivered: the least complete first, and all of them together. */

import type { Delivery } from "../api/types";

/** So often a reading can be said to be owed, in seconds. */
export const EVERY = [1, 5, 10, 30, 60, 300, 600, 1800, 3600] as const;

export interface Sum {
  points: number;
  silent: number;
  count: number;
  late: number;
  estimated: number;
  gaps: number;
  slots: [number, number];
  completeness: number | null;
  online: number | null;
}

/** The points in lots of what one question may name. */
export function portions<T>(points: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(points.length / size) }, (_, n) => points.slice(n * size, (n + 1) * size));
}

/** Two decimals, cut and never rounded up: 99.496 is 99.49. */
export function percentCut(part: number, whole: number): number | null {
  return whole > 0 ? Math.floor((part * 10_000) / whole + 1e-9) / 100 : null;
}

/** Numerators and denominators added: percentages are never averaged. */
export function together(items: readonly Delivery[]): Sum {
  const add = (of: (item: Delivery) => number) => items.reduce((sum, item) => sum + of(item), 0);
  const slots: [number, number] = [add((item) => item.slots_filled), add((item) => item.slots_owed)];
  const asked = items.some((item) => item.slots_owed > 0);
  return {
    points: items.length,
    silent: items.filter((item) => item.count === 0).length,
    count: add((item) => item.count),
    late: add((item) => item.late),
    estimated: add((item) => item.estimated),
    gaps: add((item) => item.gap_count),
    slots,
    completeness: percentCut(...slots),
    online: asked ? percentCut(add((item) => item.online_s), add((item) => item.owed_s)) : null,
  };
}

/** The worst first: nothing at all, then the least complete, then the longest gap. */
export function worstFirst(items: readonly Delivery[]): Delivery[] {
  const missing = (item: Delivery) => (item.count === 0 ? 2 : item.completeness_percent === null ? 0 : 1 - item.completeness_percent / 100);
  return [...items].sort((a, b) => missing(b) - missing(a) || b.gap_longest_s - a.gap_longest_s || (a.point < b.point ? -1 : 1));
}
