/** The collector's questions the page asks, one function each. */

import { ask } from "./client";
import type {
  AsidePage, BackupPage, Buckets, CodeMade, Deliveries, Demo, EnrolmentPicture, Episode, EpisodeDetail, EventLine, Exempted, Gateway, HolidayYear, Latest, Overview, Point, PointsDescribed, RebuildDone, RemovedDay, Session, SiteKept, Token, TokenMade, VirtualGateway,
} from "./types";

type Items<T> = { items: T[] };
export type Page<T> = { items: T[]; total: number; next: string | null };

type Asked = string | number | readonly string[] | null | undefined;
export const query = (values: Record<string, Asked>): string => {
  const set = Object.entries(values).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).filter((each) => each !== undefined && each !== null && each !== "").map((each) => [key, String(each)]),
  );
  return set.length ? `?${new URLSearchParams(set)}` : "";
};
const pointPath = (id: string): string => `/points/${id.split("/").map(encodeURIComponent).join("/")}`;

export const session = (signal?: AbortSignal) => ask<Session>("/session", { signal });
export const logIn = (name: string, password: string) =>
  ask<Session>("/session", { method: "POST", body: { name, password } });
export const logInByLink = (code: string) => ask<Session>("/session/link", { method: "POST", body: { code } });
export const logOut = () => ask<void>("/session", { method: "DELETE" });

export const overview = (signal?: AbortSignal) => ask<Overview>("/overview", { signal });
export const gateways = async (signal?: AbortSignal) => (await ask<Items<Gateway>>("/gateways", { signal })).items;
export const points = async (site: string, signal?: AbortSignal) =>
  (await ask<Items<Point>>(`/points${query({ site })}`, { signal })).items;
export const latest = async (site: string, signal?: AbortSignal) =>
  (await ask<Items<Latest>>(`/latest${query({ site })}`, { signal })).items;
export const events = (limit: number, kind: readonly string[], signal?: AbortSignal) =>
  ask<{ items: EventLine[]; next: string | null }>(`/events${query({ limit, kind })}`, { signal });

export interface AlarmFilter {
  state: "open" | "unacknowledged" | "history";
  level?: string;
  site?: string;
  q?: string;
  limit?: number;
  cursor?: string;
}
export const alarms = (filter: AlarmFilter, signal?: AbortSignal) =>
  ask<Page<Episode>>(`/alarms${query({ ...filter })}`, { signal });
export const alarm = (id: string, signal?: AbortSignal) =>
  ask<EpisodeDetail>(`/alarms/${encodeURIComponent(id)}`, { signal });
export const buckets = async (id: string, from: string, to: string, count: number, signal?: AbortSignal) =>
  (await ask<{ columns: Buckets }>(`${pointPath(id)}/buckets${query({ from, to, count })}`, { signal })).columns;

export interface ExportAsked {
  site?: string;
  device?: string;
  point?: string;
  from: string;
  to: string;
  format: string;
  zone: string;
  language: string;
}
export const exportAddress = (asked: ExportAsked): string => `/api/v1/export${query({ ...asked })}`;
/** Refused where the export would be; nothing is made. */
export const exportCheck = (asked: ExportAsked) => ask<void>(`/export${query({ ...asked, check: "true" })}`);

export const demo = () => ask<Demo>("/demo");
export const setCable = (gateway: string, connected: boolean) =>
  ask<void>(`/demo/cables/${encodeURIComponent(gateway)}`, { method: "POST", body: { connected } });

const enrolled = (gateway: string) => `/enrolment/gateways/${encodeURIComponent(gateway)}`;
export const enrolment = (signal?: AbortSignal) => ask<EnrolmentPicture>("/enrolment", { signal });
export const makeCode = (wanted: Record<string, unknown>) => ask<CodeMade>("/enrolment/codes", { method: "POST", body: wanted });
export const withdrawCode = (number: number) => ask<void>(`/enrolment/codes/${number}`, { method: "DELETE" });
/** `answer`: the six digits, or the id of a held start. */
export const approve = (gateway: string, answer: string) =>
  ask<EnrolmentPicture>(`${enrolled(gateway)}/approve`, { method: "POST", body: { answer } });
export const refuse = (gateway: string, boot: string | null = null) =>
  ask<{ ended: string[] }>(`${enrolled(gateway)}/refuse`, { method: "POST", body: boot ? { boot } : {} });
export const revoke = (gateway: string) => ask<{ ended: string[] }>(`${enrolled(gateway)}/revoke`, { method: "POST" });

const virtual = (name: string) => `/virtual-gateways/${encodeURIComponent(name)}`;
export const virtualGateways = async (signal?: AbortSignal) => (await ask<Items<VirtualGateway>>("/virtual-gateways", { signal })).items;
export const makeVirtual = (wanted: Record<string, unknown>) => ask<VirtualGateway>("/virtual-gateways", { method: "POST", body: wanted });
export const describePoints = (name: string, description: unknown) =>
  ask<PointsDescribed>(`${virtual(name)}/points`, { method: "PUT", body: description });
export const makeReadingsToken = (name: string, purpose: string) =>
  ask<TokenMade>(`${virtual(name)}/tokens`, { method: "POST", body: { name: purpose } });
export const tokens = async (signal?: AbortSignal) => (await ask<Items<Token>>("/tokens", { signal })).items;
export const endToken = (id: string) => ask<void>(`/tokens/${encodeURIComponent(id)}`, { method: "DELETE" });

/** A list that is read a page at a time, the newest first. */
export type Listed<T> = { items: T[]; next: string | null };
const EXEMPTED = { filings: "/filings", faults: "/platform-faults" } as const;
export type ExemptionKind = keyof typeof EXEMPTED;
export const holidays = async (signal?: AbortSignal) => (await ask<{ years: HolidayYear[] }>("/holidays", { signal })).years;
export const exempted = (kind: ExemptionKind, cursor: string | null, limit: number, signal?: AbortSignal) =>
  ask<Listed<Exempted>>(`${EXEMPTED[kind]}${query({ limit, cursor })}`, { signal });
export const exempt = (kind: ExemptionKind, wanted: Record<string, unknown>) => ask<Exempted>(EXEMPTED[kind], { method: "POST", body: wanted });
export const endExemption = (kind: ExemptionKind, id: number, at: string) =>
  ask<Exempted>(`${EXEMPTED[kind]}/${id}/end`, { method: "POST", body: { at } });
export const withdrawExemption = (kind: ExemptionKind, id: number) => ask<Exempted>(`${EXEMPTED[kind]}/${id}/withdraw`, { method: "POST" });

export interface DeliveriesAsked {
  points: string[];
  from: string;
  to: string;
  every_s: number | null;
  exclude: { named: string[] };
}
export const deliveries = (asked: DeliveriesAsked, signal?: AbortSignal) =>
  ask<Deliveries>("/deliveries", { method: "POST", body: asked, signal });
export const storeKept = async (signal?: AbortSignal) => (await ask<Items<SiteKept>>("/store/keeping", { signal })).items;
export const storeRemoved = (site: string, cursor: string | null, limit: number, signal?: AbortSignal) =>
  ask<Listed<RemovedDay>>(`/store/removed${query({ site, cursor, limit })}`, { signal });
export const backups = (cursor: string | null, limit: number, signal?: AbortSignal) =>
  ask<BackupPage>(`/backups${query({ cursor, limit })}`, { signal });
export const setAside = (cursor: string | null, limit: number, signal?: AbortSignal) =>
  ask<AsidePage>(`/store/set-aside${query({ cursor, limit })}`, { signal });
export const rebuildAside = (id: number) => ask<RebuildDone>(`/store/set-aside/${id}/rebuild`, { method: "POST" });
export const dismissAside = (id: number, reason: string) => ask<void>(`/store/set-aside/${id}/dismiss`, { method: "POST", body: { reason } });
