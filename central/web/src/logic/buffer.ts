/** How a gateway's buffer is, for people: pure functions. */

import type { Colour, Gateway } from "../api/types";
import { formatAge, type Language } from "./age";
import { clockGrade } from "./gatewayClock";

const HOUR = 3600;
const DAY = 24;
/** Below so many hours left, somebody should look; below `SHORT`, soon. */
export const SOON = 72;
export const SHORT = 24;

/** Whether the medium stores nothing: what is new is held in memory, or lost. */
export const isFailing = (gateway: Gateway): boolean => gateway.buffer.medium !== null && gateway.buffer.medium !== "ok";

/** Whether there is no room on the gateway's disk, for whatever reason: the card itself is not at fault. */
export const isFull = (gateway: Gateway): boolean => gateway.buffer.reserve_only || gateway.buffer.failing === "BUFFER_FULL";

/**
 * How bad a gateway's buffer is, as a level: red while data is lost or would die with the power, orange while the
 * disk is full or the buffer lasts less than `SHORT`, yellow below `SOON`; null: nothing to say, or not in contact.
 */
export function bufferGrade(gateway: Gateway): Colour | null {
  const { medium, hours_left } = gateway.buffer;
  if (gateway.state !== "online") return null;
  if (medium === "failing" || (isFailing(gateway) && !isFull(gateway))) return "red";
  if (isFull(gateway) || (hours_left !== null && hours_left < SHORT)) return "orange";
  return hours_left !== null && hours_left < SOON ? "yellow" : null;
}

const ORDER: Colour[] = ["red", "orange", "yellow", "blue"];

/** How bad a gateway is that is online: its buffer or its clock, whichever is worse. */
export function gatewayGrade(gateway: Gateway): Colour | null {
  const grades = [bufferGrade(gateway), clockGrade(gateway)];
  return ORDER.find((level) => grades.includes(level)) ?? null;
}

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
