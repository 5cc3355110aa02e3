/** Numbers as people read them: fixed decimals, a true minus, thousands in counts only. */

import type { EnumerationWord, Label, Value } from "../api/types";

const MINUS = "\u2212";

/** A measured number with its point's decimals (at most 6 significant where none are given). */
export function formatNumber(value: number, decimals: number | null): string {
  const text = decimals === null ? String(Number(value.toPrecision(6))) : value.toFixed(decimals);
  return (Number(text) === 0 ? text.replace(/^-/, "") : text).replace(/-/g, MINUS);
}

/** Units that are counted in words: only a Chinese page has them as they are. */
const COUNTED: Record<string, string> = { 个: "pcs", 只: "pcs", 台: "pcs", 辆: "pcs", 人: "people", 次: "times", 天: "d", 小时: "h", 分钟: "min", 级: "(scale)" };

/** A unit as it is printed: the one-sign ℃ and ℉ as two, which every font has. */
export function unitText(unit: string | null | undefined, language: "zh" | "en" = "zh"): string {
  const text = (unit ?? "").replace("\u2103", "°C").replace("\u2109", "°F");
  return language === "en" ? (COUNTED[text] ?? text) : text;
}

/** A count: `41,206`. */
export function formatCount(count: number): string {
  return Math.round(count).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",").replace("-", MINUS);
}

/** A file's size: `812 KB`, `12.3 MB`, `4.1 GB` (powers of 1024). */
export function formatBytes(bytes: number): string {
  const units = ["KB", "MB", "GB", "TB"];
  let size = bytes / 1024;
  let step = 0;
  while (size >= 999.5 && step < units.length - 1) {
    size /= 1024;
    step += 1;
  }
  return `${size.toFixed(size < 100 && step > 0 ? 1 : 0)} ${units[step]}`;
}

/** Find the word of a digital value; null when the point has no enumeration for it. */
export function enumerationWord(value: Value, words: EnumerationWord[] | null | undefined): Label {
  if (value === null || !words?.length) return null;
  const found = words.find((word) => word.value === value || Number(word.value) === Number(value));
  return found ? found.label : null;
}

const SIGNS: Record<string, string> = { ">=": "≥", "<=": "≤", ">": ">", "<": "<", "=": "=", "==": "=", "!=": "≠" };

/** The sign of a limit's comparison. */
export function sign(op: string): string {
  return SIGNS[op] ?? op;
}
