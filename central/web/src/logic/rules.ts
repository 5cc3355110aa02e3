/** Rules as documents: what of one holds, what differs between two, what a person changed. */

import type { Colour } from "../api/types";

/** What people are asked to do when it raises. */
export interface Request {
  zh: string;
  en?: string;
}
export interface RuleLevel {
  name: string;
  name_en?: string;
  colour: Colour;
  op: string;
  limit: number | null;
  deadband?: number;
  on_delay?: number;
  off_delay?: number;
  window?: number;
  source?: string;
  clause?: string;
  status?: string;
  tag?: string;
  named?: string;
  counts?: string;
  confirmed_by?: string;
  confirmed_on?: string;
  valid_from?: string;
  valid_to?: string;
  request?: Request;
}
export interface RuleDocument {
  id: string;
  label: { zh: string; en: string };
  quantity?: string[];
  unit?: string;
  kind?: string;
  family?: string;
  latching?: boolean;
  source?: string;
  quote?: string;
  note?: { zh: string; en: string };
  request?: Request;
  levels: RuleLevel[];
  [key: string]: unknown;
}

const WORST: readonly Colour[] = ["red", "orange", "yellow", "blue"];
export const worstLevels = (levels: readonly RuleLevel[]): RuleLevel[] => [...levels].sort((a, b) => WORST.indexOf(a.colour) - WORST.indexOf(b.colour));

/** How a level stands: it may raise, nobody answered for it, it lacks a figure, or a place gives it. */
export type Standing = "active" | "unconfirmed" | "figureless" | "named";
/** How a rule stands as a whole. */
export type RuleStanding = "active" | "partly" | "unconfirmed" | "named" | "retired";

export const statusOf = (level: RuleLevel): string => level.status ?? "U";

export function standing(level: RuleLevel): Standing {
  if (level.limit === null) return level.named ? "named" : "figureless";
  return statusOf(level) === "V" || level.confirmed_by ? "active" : "unconfirmed";
}

export function ruleStanding(document: RuleDocument, retired: boolean): RuleStanding {
  if (retired) return "retired";
  const found = document.levels.map(standing);
  const active = found.filter((each) => each === "active").length;
  if (active === found.length && active > 0) return "active";
  if (active > 0) return "partly";
  return found.length > 0 && found.every((each) => each === "named") ? "named" : "unconfirmed";
}

const SECONDS = ["stale", "bad", "frozen"];
const BARE = ["digital", "vote", "levels", "interlock", "expression"];
/** The unit of a rule's figures: seconds where silence is counted, none of votes, states and counts. */
export function figureUnit(document: RuleDocument): string {
  const kind = document.kind ?? "limit";
  if (SECONDS.includes(kind)) return "s";
  return BARE.includes(kind) || (kind === "window" && document["aggregate"] === "count") ? "" : (document.unit ?? "");
}

const FOREIGN = ["V", "K", "D", "E"];
const same = (one: number | null | undefined, other: number | null | undefined) => (one ?? 0) === (other ?? 0) && (one === null) === (other === null);

/** A draft of a level: what was typed, as text. */
export interface Draft {
  limit: string;
  deadband: string;
  on_delay: string;
  off_delay: string;
}
export const FIELDS = ["limit", "deadband", "on_delay", "off_delay"] as const;
export type Field = (typeof FIELDS)[number];

export const drafted = (level: RuleLevel): Draft => ({
  limit: level.limit === null ? "" : String(level.limit),
  deadband: String(level.deadband ?? 0),
  on_delay: String(level.on_delay ?? 0),
  off_delay: String(level.off_delay ?? 0),
});

/** A typed number; undefined: it is none. An empty limit is no figure. */
export function typed(text: string): number | null | undefined {
  const plain = text.trim().replace("\u2212", "-");
  if (!plain) return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : undefined;
}

/** Which of the typed fields are wrong: no number, or less than nothing where that cannot be. */
export const wrongFields = (draft: Draft): Field[] =>
  FIELDS.filter((name) => {
    const value = typed(draft[name]);
    return value === undefined || (name !== "limit" && (value === null || value < 0));
  });

export function isChanged(level: RuleLevel, draft: Draft): boolean {
  return FIELDS.some((name) => {
    const value = typed(draft[name]);
    return value !== undefined && !same(value, name === "limit" ? level.limit : level[name]);
  });
}

/** The level as drafted: another figure than its source's is the site's own; `by`: who answers for it. */
export function changed(level: RuleLevel, draft: Draft, by: string | null): RuleLevel {
  const { confirmed_by, confirmed_on, ...rest } = level;
  if (!isChanged(level, draft) && !by) return level;
  const limit = typed(draft.limit) ?? null;
  const status = level.limit !== null && !same(limit, level.limit) && FOREIGN.includes(statusOf(level)) ? "S" : statusOf(level);
  // of a V level, anything else than what its source says is no longer read there
  const said = isChanged(level, draft) && status === "V" ? "S" : status;
  const made: RuleLevel = { ...rest, limit, deadband: typed(draft.deadband) ?? 0, on_delay: typed(draft.on_delay) ?? 0, off_delay: typed(draft.off_delay) ?? 0, status: said };
  return by && limit !== null ? { ...made, confirmed_by: by } : made;
}

/** One difference between two versions; `level` is its name, "" for the rule itself. */
export interface Difference {
  level: string;
  field: string;
  before: unknown;
  after: unknown;
}

const plain = (value: unknown): string => JSON.stringify(value ?? null);
const NAMES = new Set(["name", "confirmed_on"]);
const USUAL: Record<string, unknown> = { deadband: 0, on_delay: 0, off_delay: 0, status: "U" };

/** What the newer version says otherwise, level by level, then the rest of the rule. */
export function differences(before: RuleDocument | null, after: RuleDocument): Difference[] {
  const found: Difference[] = [];
  const old = new Map((before?.levels ?? []).map((level) => [level.name, level]));
  for (const level of after.levels) {
    const known = old.get(level.name);
    old.delete(level.name);
    if (!known) {
      if (before) found.push({ level: level.name, field: "added", before: null, after: level.limit });
      continue;
    }
    for (const field of new Set([...Object.keys(known), ...Object.keys(level)])) {
      const [one, other] = [known, level].map((each) => (each as unknown as Record<string, unknown>)[field] ?? USUAL[field]);
      if (!NAMES.has(field) && plain(one) !== plain(other)) found.push({ level: level.name, field, before: one ?? null, after: other ?? null });
    }
  }
  for (const level of old.values()) found.push({ level: level.name, field: "removed", before: level.limit, after: null });
  for (const field of before ? new Set([...Object.keys(before), ...Object.keys(after)]) : []) {
    if (field !== "levels" && plain(before?.[field]) !== plain(after[field])) found.push({ level: "", field, before: before?.[field] ?? null, after: after[field] ?? null });
  }
  return found;
}

/** Whether the levels lie on one scale: more than one figure, no two the same, none of a span of its own. */
export function onOneScale(levels: readonly RuleLevel[]): boolean {
  const limits = levels.filter((level) => level.limit !== null).map((level) => level.limit);
  return limits.length > 1 && new Set(limits).size === limits.length && levels.every((level) => level.window === undefined && !level.counts);
}

/** Where the marks of a ladder stand on a scale of `height`, from its top, and the scale's ends. */
export function scale(levels: RuleLevel[], height: number): { marks: { level: RuleLevel; y: number; text: number }[]; low: number; high: number } | null {
  const held = levels.filter((level) => level.limit !== null) as (RuleLevel & { limit: number })[];
  if (!held.length) return null;
  const limits = held.map((level) => level.limit);
  const [least, most] = [Math.min(...limits), Math.max(...limits)];
  const room = (most - least || Math.abs(most) || 1) * 0.25;
  const [low, high] = [least - room, most + room];
  const at = (limit: number) => ((high - limit) / (high - low)) * height;
  const marks = [...held].sort((a, b) => b.limit - a.limit).map((level) => ({ level, y: at(level.limit), text: at(level.limit) }));
  const GAP = 18;
  for (const [place, mark] of marks.entries()) {
    const above = marks[place - 1];
    if (above && mark.text - above.text < GAP) mark.text = above.text + GAP;
  }
  return { marks, low, high };
}

/** A day of the year inside a season written MM-DD or YYYY-MM-DD, both ends included. */
export function inSeason(from: string | null, to: string | null, today: string): boolean {
  if (!from || !to) return true;
  const cut = (text: string, of: string) => (of.length === 5 ? text.slice(-5) : text);
  const [day, last] = [cut(today, from), cut(today, to)];
  if (from.length === 5 && to.length === 5 && from > to) return day >= from || day <= to;
  return day >= from && last <= to;
}
