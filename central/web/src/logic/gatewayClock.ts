/** A gateway's wall clock against the platform's, for people: pure functions. */

import type { Colour, Gateway } from "../api/types";
import type { Language } from "./age";

/** Units that need no words, up to days. */
const STEPS: [from: number, seconds: number, unit: string][] = [
  [172_800, 86_400, ""],
  [7200, 3600, "h"],
  [120, 60, "min"],
];

/** How bad an online gateway's clock is; null: nothing to say, or not in contact. */
export const clockGrade = (gateway: Gateway): Colour | null => (gateway.state === "online" ? gateway.clock.grade : null);

/** An offset with its sign: `+0.02 s`, `−75 s`, `+62 min`, `−5 h`, `+3,650 天`; null when not known. */
export function formatOffset(seconds: number | null, language: Language): string | null {
  if (seconds === null) return null;
  const size = Math.abs(seconds);
  const step = STEPS.find(([from]) => size >= from);
  const number = step ? Math.floor(size / step[1]).toString() : size < 10 ? size.toFixed(2) : Math.floor(size).toString();
  const unit = step ? step[2] || (language === "zh" ? "天" : "d") : "s";
  const sign = Number(number) === 0 ? "" : seconds < 0 ? "\u2212" : "+";
  return `${sign}${number.replace(/\B(?=(\d{3})+(?!\d))/g, number.includes(".") ? "" : ",")} ${unit}`;
}

/** How exact an offset is: ` ± 0.03 s`; empty when not known. */
export const formatWithin = (seconds: number | null): string => (seconds === null ? "" : ` \u00b1 ${Math.max(0.01, seconds).toFixed(2)} s`);
