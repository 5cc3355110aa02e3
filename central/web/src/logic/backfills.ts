/** What gateways delivered late (补传): told once each, never calling; a shift's worth stays in sight. */

import type { Backfill, Colour } from "../api/types";

/** so many the page knows; the gateway's own list has more */
export const KEPT = 50;
/** ms one stays above the alarms: a shift */
export const SHIFT = 8 * 3_600_000;
const WORST: readonly Colour[] = ["red", "orange", "yellow", "blue"];

/** The newest first, each once. */
export const withBackfill = (known: readonly Backfill[], told: Backfill): readonly Backfill[] =>
  [told, ...known.filter((each) => each.id !== told.id)].sort((a, b) => b.id - a.id).slice(0, KEPT);

/** Those of this shift, of gateways that serve `site` (empty: of all). */
export const recent = (known: readonly Backfill[], now: number, site: string): readonly Backfill[] =>
  known.filter((each) => now - Date.parse(each.ended) < SHIFT && (!site || each.sites.includes(site)));

/** The worst colour of its alarms, null where it raised none. */
export const worstOf = (told: Backfill): Colour | null => WORST.find((colour) => told.counts[colour] > 0) ?? null;
