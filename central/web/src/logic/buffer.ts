/** How a gateway's buffer is, for people: pure functions. */

import type { Gateway } from "../api/types";
import { formatAge, type Language } from "./age";

const HOUR = 3600;
const DAY = 24;
/** Below so many hours left, somebody should look. */
export const SOON = 72;

/** Whether the medium stores nothing: what is new is held in memory, or lost. */
export const isFailing = (gateway: Gateway): boolean => gateway.buffer.medium !== null && gateway.buffer.medium !== "ok";

/** How long the buffer will do at the present rate: `5 h`, `12 天`, `> 1000 天`; null when not told. */
export function formatLeft(hours: number | null, language: Language): string | null {
  if (hours === null) return null;
  const days = Math.floor(hours / DAY);
  const word = language === "zh" ? "天" : "d";
  if (days > 1000) return `> 1000 ${word}`;
  if (days >= 10) return `${days} ${word}`;
  return formatAge(Math.floor(hours) ? Math.floor(hours) * HOUR : hours * HOUR, language);
}

/** What the gateway has given up since it began, the most first; reasons without a count left out. */
export function givenUp(gateway: Gateway): [reason: string, count: number][] {
  return Object.entries(gateway.buffer.drops)
    .filter(([, count]) => count > 0)
    .sort(([a, more], [b, less]) => less - more || (a < b ? -1 : 1));
}
