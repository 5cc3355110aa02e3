/** What the page 阈值与模型 asks the collector: rules, where they are meant, figures of places, files, alarm quality. */

import { ApiError, ask, refusal } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type LibraryRule = Schemas["LibraryRule"];
export type RuleDetail = Schemas["LibraryRuleDetail"];
export type RuleVersion = Schemas["RuleVersion"];
export type Attachment = Schemas["RuleAttachment"];
export type NamedLevel = Schemas["NamedLevel"];
export type NewNamedLevel = Schemas["NewNamedLevel"];
export type PointRules = Schemas["PointRules"];
export type HoldingRule = Schemas["HoldingRule"];
export type ThresholdSet = Schemas["ThresholdSet"];
export type Imported = Schemas["RulesImported"];
export type Kpis = Schemas["Kpis"];
export type Kpi = Schemas["Kpi"];
export type ScopeName = Attachment["scope"];
export type Trial = Schemas["RuleTrial"];
export type TriedPlace = Schemas["TriedPlace"];
export type Profile = Schemas["Profile"];

/** A fault of a rule or of a file: where, which, and what would be allowed. */
export interface Problem {
  file?: string;
  line?: number;
  at: string;
  code: string;
  params: Record<string, unknown>;
  allowed: string[];
}

const post = <T>(path: string, body: unknown) => ask<T>(path, { method: "POST", body });
const ruleAt = (id: string) => `/rules/${encodeURIComponent(id)}`;

export const sets = async (signal?: AbortSignal) => (await ask<{ sets: ThresholdSet[] }>("/threshold-sets", { signal })).sets;
export const rules = async (signal?: AbortSignal) => (await ask<{ items: LibraryRule[] }>("/rules", { signal })).items;
export const rule = (id: string, signal?: AbortSignal) => ask<RuleDetail>(ruleAt(id), { signal });
export const create = (document: Record<string, unknown>, reason: string) => post<LibraryRule>("/rules", { rule: document, reason });
export const attempt = (document: Record<string, unknown>, scope: ScopeName, at: string) => post<Trial>("/rules/trial", { rule: document, scope, at, quantities: [] });
export const profiles = async (signal?: AbortSignal) => (await ask<{ items: Profile[] }>("/profiles", { signal })).items;
export const confirm = (id: string, levels: { name: string; limit: number | null }[], version: number, reason: string) =>
  post<LibraryRule>(`${ruleAt(id)}/confirm`, { levels, version, reason });
export const change = (id: string, document: Record<string, unknown>, version: number, reason: string) =>
  ask<LibraryRule>(ruleAt(id), { method: "PUT", body: { rule: document, version, reason } });
export const retire = (id: string, version: number, reason: string) => post<LibraryRule>(`${ruleAt(id)}/retire`, { version, reason });
export const attach = (asked: Schemas["NewAttachment"]) => post<Attachment>("/attachments", asked);
export const detach = (number: number, reason: string) => post<unknown>(`/attachments/${number}/end`, { reason });

export const namedLevels = async (ended: boolean, signal?: AbortSignal) =>
  (await ask<{ items: NamedLevel[] }>(`/named-levels?ended=${ended}`, { signal })).items;
export const nameLevel = (asked: NewNamedLevel) => post<NamedLevel>("/named-levels", asked);
export const endNamed = (number: number, reason: string) => post<unknown>(`/named-levels/${number}/end`, { reason });
export const ofPoint = (point: string, signal?: AbortSignal) =>
  ask<PointRules>(`/points/${point.split("/").map(encodeURIComponent).join("/")}/rules`, { signal });

export const exportAddress = (format: "xlsx" | "yaml") => `/api/v1/rule-file?format=${format}`;

async function sent(file: File, how: Record<string, string>): Promise<Response> {
  try {
    return await fetch(`/api/v1/rule-file?${new URLSearchParams(how)}`, {
      method: "POST",
      headers: { "X-Requested-With": "fengsui", "Content-Type": "application/octet-stream" },
      credentials: "same-origin",
      body: file,
    });
  } catch {
    throw new ApiError("NETWORK", 0); // also when the file has changed on the disk since it was chosen
  }
}
/** Bring a file in, or only say what it would lead to. Throws ApiError; its params hold the faults. */
export async function bringIn(file: File, dry: boolean, ahead: boolean): Promise<Imported> {
  const answer = await sent(file, { dry_run: String(dry), ahead: String(ahead), faults: "list" });
  const content = (await answer.json().catch(() => null)) as unknown;
  if (!answer.ok) throw refusal(answer, content);
  return content as Imported;
}
/** The same file with its faults in it. */
export async function markedFile(file: File, ahead: boolean, language: string): Promise<Blob> {
  const answer = await sent(file, { dry_run: "true", ahead: String(ahead), language });
  if (answer.status !== 422 || !answer.headers.has("Fengsui-Faults")) throw refusal(answer, await answer.json().catch(() => null));
  return answer.blob();
}

export const kpis = (from: string, to: string, site: string, signal?: AbortSignal) =>
  ask<Kpis>(`/alarms/kpis?${new URLSearchParams({ from, to, ...(site ? { site } : {}) })}`, { signal });
