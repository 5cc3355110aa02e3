/** Figures of alarm quality: how they are grouped, held against their benchmarks, and said. */

import type { Kpi } from "../api/ruleCalls";

export type Group = "load" | "quality" | "priority" | "answer" | "verified";
const GROUPS: [Group, RegExp][] = [
  ["load", /^(per_|peak_|mean_daily_peak|flood_time|busy_hours)/],
  ["quality", /^(top_10|chattering|fleeting|stale)/],
  ["priority", /^priority_/],
  ["answer", /^acknowledge_/],
];

export const groupOf = (name: string): Group => GROUPS.find(([, pattern]) => pattern.test(name))?.[0] ?? "verified";

export function grouped(figures: readonly Kpi[]): { group: Group; figures: Kpi[] }[] {
  const order: Group[] = ["load", "quality", "priority", "answer", "verified"];
  return order.map((group) => ({ group, figures: figures.filter((one) => groupOf(one.name) === group) })).filter((each) => each.figures.length);
}

export type Verdict = "within" | "manageable" | "over" | "none";

const HOLDS: Record<string, (value: number, limit: number) => boolean> = {
  "<=": (value, limit) => value <= limit,
  "<": (value, limit) => value < limit,
  ">=": (value, limit) => value >= limit,
  ">": (value, limit) => value > limit,
  "=": (value, limit) => value === limit,
};

/** How a figure stands to its benchmarks; what is only `about` a number judges nothing. */
export function verdict(figure: Kpi): Verdict {
  const { value } = figure;
  const judged = figure.benchmarks.filter((one) => one.meaning !== "about");
  if (value === null || !judged.length) return "none";
  const held = judged.filter((one) => HOLDS[one.op]?.(value, one.limit) ?? false);
  if (!held.length) return "over";
  return held.some((one) => one.meaning !== "manageable") ? "within" : "manageable";
}

/** How the numerator and the denominator are said. */
export function madeOf(figure: Kpi): string {
  if (["per_hour", "per_day", "per_10_min", "peak_10_min", "mean_daily_peak", "stale"].includes(figure.name)) return figure.name;
  if (figure.name === "flood_time") return "time";
  if (figure.name === "busy_hours") return "hours";
  return groupOf(figure.name) === "answer" ? "answered" : "share";
}

/** At most two decimals, none where the number is large. */
export function shortNumber(value: number): string {
  if (value === 0 || Number.isInteger(value)) return String(value);
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/** `7 d`, `3 h`, `95 min`, `40 s` of seconds. */
export function duration(seconds: number): string {
  if (seconds >= 172_800) return `${shortNumber(seconds / 86_400)} d`;
  if (seconds >= 7_200) return `${shortNumber(seconds / 3_600)} h`;
  return seconds >= 120 ? `${shortNumber(seconds / 60)} min` : `${shortNumber(seconds)} s`;
}
