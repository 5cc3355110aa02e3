/** A rule of one's own as it is typed, the document it becomes, and which field a fault is of. */

import type { Colour } from "../api/types";
import { typed } from "./rules";

/** Kinds the form makes, in the order they are offered. */
export const KINDS = ["limit", "digital", "rate", "window", "schedule", "stale", "bad", "frozen", "interlock", "vote", "deviation", "levels", "expression"] as const;
export type KindName = (typeof KINDS)[number];
/** Kinds of several inputs, which are on an object. */
export const SEVERAL: readonly KindName[] = ["interlock", "vote", "deviation", "levels"];
/** Kinds whose levels are seconds. */
export const OF_SECONDS: readonly KindName[] = ["stale", "bad", "frozen"];
export const CLAUSED: readonly KindName[] = ["interlock", "vote"];
export const AGGREGATES = ["sum", "mean", "min", "max", "change", "count"] as const;
export const OPS = [">=", ">", "<=", "<", "=", "!="] as const;
export const STATUSES = ["S", "D", "K", "U", "E"] as const;

export interface LevelDraft {
  key: number;
  name: string;
  colour: Colour;
  op: string;
  limit: string;
  deadband: string;
  on_delay: string;
  off_delay: string;
  status: string;
  source: string;
  clause: string;
  named: string;
  valid_from: string;
  valid_to: string;
  window: string;
  counts: string;
}
export interface InputDraft {
  key: number;
  name: string;
  of: "quantity" | "point";
  quantity: string;
  point: string;
  unit: string;
  many: boolean;
  op: string;
  limit: string;
}
export interface Span {
  begin: string;
  end: string;
  days: string;
}
export interface Drafted {
  kind: KindName;
  id: string;
  zh: string;
  en: string;
  quantities: string[];
  unit: string;
  latching: boolean;
  source: string;
  /** fields of the kind, as typed */
  per: string;
  absolute: boolean;
  max_gap: string;
  consecutive: string;
  aggregate: string;
  window: string;
  counter: boolean;
  countedOp: string;
  countedLimit: string;
  min_samples: string;
  allowed_lateness: string;
  tolerance: string;
  within: string;
  text: string;
  allowed: Span[];
  inputs: InputDraft[];
  levels: LevelDraft[];
}

let keys = 0;
export const newLevel = (more: Partial<LevelDraft> = {}): LevelDraft => ({
  key: ++keys, name: "", colour: "yellow", op: ">=", limit: "", deadband: "0", on_delay: "0", off_delay: "0", status: "S",
  source: "", clause: "", named: "", valid_from: "", valid_to: "", window: "", counts: "", ...more,
});
export const newInput = (place: number): InputDraft => ({
  key: ++keys, name: `in${place + 1}`, of: "quantity", quantity: "", point: "", unit: "", many: false, op: ">=", limit: "",
});

/** What levels of a kind begin as: a state is met or not, a roll-up counts. */
export function levelFor(kind: KindName): LevelDraft {
  if (kind === "digital" || kind === "interlock" || kind === "expression") return newLevel({ op: "=", limit: "1" });
  if (kind === "vote") return newLevel({ limit: "2" });
  if (kind === "levels") return newLevel({ limit: "2", counts: "blue" });
  return newLevel();
}
export function inputsFor(kind: KindName): InputDraft[] {
  if (kind === "interlock" || kind === "deviation") return [newInput(0), newInput(1)];
  return kind === "vote" ? [{ ...newInput(0), many: true }] : [];
}
export function drafted(kind: KindName): Drafted {
  return {
    kind, id: "", zh: "", en: "", quantities: [""], unit: "", latching: false, source: "",
    per: "3600", absolute: false, max_gap: "", consecutive: "1", aggregate: "sum", window: "3600", counter: false, countedOp: ">", countedLimit: "",
    min_samples: "1", allowed_lateness: "0", tolerance: "0", within: "", text: "", allowed: [{ begin: "06:00", end: "22:00", days: "" }],
    inputs: inputsFor(kind), levels: [levelFor(kind)],
  };
}

/** An id nobody has: `own.` and what it is about. */
export function freeId(kind: string, quantity: string, taken: ReadonlySet<string>): string {
  const root = `own.${kind}${quantity ? `.${quantity}` : ""}`.slice(0, 56);
  let id = root;
  for (let nth = 2; taken.has(id); nth += 1) id = `${root}-${nth}`;
  return id;
}

const WORST: readonly Colour[] = ["blue", "yellow", "orange", "red"];
const descends = (level: LevelDraft) => level.op.startsWith("<");
/** From least to most severe, as a rule is written: by colour, and of one colour by figure. */
export const ordered = (levels: readonly LevelDraft[]): LevelDraft[] =>
  [...levels].sort((a, b) => WORST.indexOf(a.colour) - WORST.indexOf(b.colour) || ((typed(a.limit) ?? 0) - (typed(b.limit) ?? 0)) * (descends(a) ? -1 : 1));

/** A typed number as it is sent; what is none stays text, and the collector says so at its field. */
const sent = (text: string): number | string | null => {
  const value = typed(text);
  return value === undefined ? text.trim() : value;
};
const number = (text: string): number | string => sent(text) ?? "";
const filled = (record: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== "" && value !== undefined && value !== null && value !== false));

function level(draft: LevelDraft, kind: KindName): Record<string, unknown> {
  const own = {
    name: draft.name.trim(), colour: draft.colour, op: draft.op, deadband: number(draft.deadband), on_delay: number(draft.on_delay), off_delay: number(draft.off_delay),
    status: draft.status, source: draft.source.trim(), clause: draft.clause.trim(), valid_from: draft.valid_from.trim(), valid_to: draft.valid_to.trim(), named: draft.named,
    window: kind === "window" ? number(draft.window) : "", counts: kind === "levels" ? draft.counts : "",
  };
  return { ...filled(own), limit: draft.named ? null : sent(draft.limit) };
}
function input(draft: InputDraft): Record<string, unknown> {
  return filled({ name: draft.name.trim(), quantity: draft.of === "quantity" ? draft.quantity : "", point: draft.of === "point" ? draft.point : "", unit: draft.unit, many: draft.of === "quantity" && draft.many });
}
function parameters(draft: Drafted): Record<string, unknown> {
  switch (draft.kind) {
    case "rate": return { per: number(draft.per), consecutive: number(draft.consecutive), ...filled({ absolute: draft.absolute, max_gap: number(draft.max_gap) }) };
    case "window": return {
      aggregate: draft.aggregate, window: number(draft.window), min_samples: number(draft.min_samples), allowed_lateness: number(draft.allowed_lateness),
      ...filled({ counter: draft.counter }), ...(draft.aggregate === "count" ? { counted: { op: draft.countedOp, limit: sent(draft.countedLimit) } } : {}),
    };
    case "schedule": return { allowed: draft.allowed.map((span) => filled({ ...span })) };
    case "frozen": return { tolerance: number(draft.tolerance) };
    case "vote": return { ...clauses(draft), ...filled({ within: number(draft.within) }) };
    case "interlock": return clauses(draft);
    case "deviation": return { input: draft.inputs[0]?.name ?? "", reference: draft.inputs[1]?.name ?? "" };
    case "expression": return { text: draft.text };
    default: return {};
  }
}
const clauses = (draft: Drafted) => ({ clauses: draft.inputs.map((each) => ({ input: each.name.trim(), op: each.op, limit: sent(each.limit) })) });

/** Whether the rule is on an object: several inputs, or a roll-up of its points. */
export const several = (draft: Drafted): boolean => SEVERAL.includes(draft.kind) || (draft.kind === "expression" && draft.inputs.length > 0);
/** Whether it speaks of a quantity of its own. */
export const measured = (draft: Drafted): boolean => draft.kind === "levels" || !several(draft);
/** Whether its figures have a unit: states, counts and votes have none. */
export const hasUnit = (draft: Drafted): boolean => draft.kind !== "levels" && (measured(draft) || draft.kind === "deviation");

/** The rule as the collector takes it; nobody answers for a level of it yet. */
export function ruleDocument(draft: Drafted): Record<string, unknown> {
  const quantity = measured(draft) ? draft.quantities.filter(Boolean) : [];
  return {
    ...filled({ id: draft.id.trim(), unit: hasUnit(draft) ? draft.unit : "", latching: draft.latching, source: draft.source.trim() }),
    label: filled({ zh: draft.zh.trim(), en: draft.en.trim() }),
    quantity,
    kind: draft.kind,
    ...parameters(draft),
    ...(draft.inputs.length ? { inputs: draft.inputs.map(input) } : {}),
    levels: ordered(draft.levels).map((each) => level(each, draft.kind)),
  };
}

/** The field a fault's path is of: levels by their own key, since they are sent in another order. */
export function fieldOf(path: string, draft: Drafted): string {
  const found = /^levels\[(\d+)\](?:\.(\w+))?/.exec(path);
  if (!found) return path.replace(/^label$/, "label.zh").replace(/^quantity$/, "quantity[0]").replace(/^quantities/, "quantity");
  const of = ordered(draft.levels)[Number(found[1])];
  return `level.${of?.key ?? 0}.${found[2] ?? "name"}`;
}

/** What the collector cannot take, however it is read: said before it is asked. */
export function missing(draft: Drafted): string[] {
  const found: string[] = [];
  if (!draft.zh.trim()) found.push("label.zh");
  if (!draft.id.trim()) found.push("id");
  if (measured(draft) && draft.kind !== "levels") draft.quantities.forEach((name, place) => name || found.push(`quantity[${place}]`));
  draft.inputs.forEach((each, place) => {
    if (!(each.of === "point" ? each.point : each.quantity)) found.push(`inputs[${place}].${each.of}`);
    if (CLAUSED.includes(draft.kind) && typeof typed(each.limit) !== "number") found.push(`clauses[${place}].limit`);
  });
  if (draft.kind === "expression" && !draft.text.trim()) found.push("text");
  if (draft.kind === "window" && draft.aggregate === "count" && typeof typed(draft.countedLimit) !== "number") found.push("counted.limit");
  for (const each of draft.levels) {
    if (!each.name.trim()) found.push(`level.${each.key}.name`);
    if (!each.named && typed(each.limit) === undefined) found.push(`level.${each.key}.limit`);
    for (const key of ["deadband", "on_delay", "off_delay"] as const) if (typeof typed(each[key]) !== "number") found.push(`level.${each.key}.${key}`);
  }
  return found;
}
