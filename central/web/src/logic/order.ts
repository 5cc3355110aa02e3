/** Worst first, everywhere: level, then unacknowledged, then newest. */

import type { AlarmState, Colour, Episode, Gateway, LevelCounts } from "../api/types";
import { isFailing } from "./buffer";

export const COLOURS: readonly Colour[] = ["red", "orange", "yellow", "blue"];

const rank = (colour: Colour): number => COLOURS.indexOf(colour);

export const isOpen = (state: AlarmState): boolean => state !== "NORMAL";
export const isUnacknowledged = (state: AlarmState): boolean => state === "UNACK" || state === "RTN_UNACK";

/** Order of two alarms; equal only for the same alarm. */
export function worstFirst(a: Episode, b: Episode): number {
  return (
    rank(a.level.colour) - rank(b.level.colour) ||
    Number(isUnacknowledged(b.state)) - Number(isUnacknowledged(a.state)) ||
    Date.parse(b.raised) - Date.parse(a.raised) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** Order of two counted rows (sites, regions): the first level in which they differ decides. */
export function moreFirst(a: LevelCounts, b: LevelCounts): number {
  for (const colour of COLOURS) if (a[colour] !== b[colour]) return b[colour] - a[colour];
  return 0;
}

const GATEWAY: Record<Gateway["state"], number> = { offline: 0, never: 1, online: 2 };

/** Offline longest first, then never seen, then those whose buffer stores nothing, then the largest backlog. */
export function gatewayOrder(a: Gateway, b: Gateway): number {
  return (
    GATEWAY[a.state] - GATEWAY[b.state] ||
    (a.offline_since ?? "").localeCompare(b.offline_since ?? "") ||
    Number(isFailing(b)) - Number(isFailing(a)) ||
    (b.backlog?.readings ?? 0) - (a.backlog?.readings ?? 0) ||
    (a.name < b.name ? -1 : 1)
  );
}

/** The alarm everybody must see: the worst unacknowledged one. */
export function worstUnacknowledged(episodes: Iterable<Episode>): Episode | null {
  let worst: Episode | null = null;
  for (const episode of episodes) {
    if (isUnacknowledged(episode.state) && (!worst || worstFirst(episode, worst) < 0)) worst = episode;
  }
  return worst;
}
