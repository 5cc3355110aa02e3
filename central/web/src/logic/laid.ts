/** What lies over a rule: which of several layers a view speaks of, how long it lasts yet, and what is to be said of it. */

import type { OverlayLayer } from "../api/types";

const DAY = 86_400;

/** The strongest layer of those a view is about; the collector tells them strongest first. */
export function strongestOf(layers: readonly OverlayLayer[], names: readonly string[]): OverlayLayer {
  const found = layers.find((layer) => names.includes(layer.name));
  if (!found) throw new Error(`no layer of ${names.join(", ")}`);
  return found;
}

/** Seconds until it ends by itself; null: a person ends it. Never negative. */
export function leftOf(layer: Pick<OverlayLayer, "until">, now: number): number | null {
  return layer.until === null ? null : Math.max(0, (Date.parse(layer.until) - now) / 1000);
}

export const lastsFor = (layer: Pick<OverlayLayer, "since">, now: number): number => Math.max(0, (now - Date.parse(layer.since)) / 1000);

/** What rests longer than a day is to be reported. */
export const tooLong = (layer: Pick<OverlayLayer, "name" | "since">, now: number): boolean => layer.name === "OUT_OF_SERVICE" && lastsFor(layer, now) > DAY;

/** A request that nobody decided lapses an hour after it was made. */
export const lapsesIn = (asked: string, now: number): number => Math.max(0, Date.parse(asked) / 1000 + 3_600 - now / 1000);

/** What a rule is called beside the point or object it is of. */
export const ruleTail = (rule: string, named: (key: string) => string): string => named(rule.slice(rule.lastIndexOf(":") + 1));
