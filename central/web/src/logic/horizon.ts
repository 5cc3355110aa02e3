/** A list that is read from its urgent end: what lies beyond the last item that was read is not all known. */

import type { Episode } from "../api/types";
import { urgentFirst } from "./order";

/** Of a sorted list what is known without a gap: all up to the horizon; everything where there is none. */
export function within(sorted: readonly Episode[], horizon: Episode | null): Episode[] {
  return horizon ? sorted.filter((episode) => urgentFirst(episode, horizon) <= 0) : [...sorted];
}

/** The one of two horizons that lies farther from the urgent end. */
export function farther(a: Episode | null, b: Episode): Episode {
  return a && urgentFirst(a, b) > 0 ? a : b;
}
