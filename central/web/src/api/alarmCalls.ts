/** What the pages of alarms ask of the collector, one function each. */

import { type Act, actPath } from "../logic/acts";
import { ApiError, ask, idempotencyKey } from "./client";
import type { Backfill, BulkOutcome, Episode, Flood, JudgedBy, OverlayDone, PointRules, RuleOverlay, ShelfRequest, SiteGroup } from "./types";
import { type Page, query } from "./calls";

export type AlarmState = "open" | "unacknowledged" | "history" | "all" | "shelved" | "suppressed" | "out_of_service";
export interface AlarmsAsked {
  state: AlarmState;
  level?: string | readonly string[];
  site?: string;
  rule?: string;
  verification?: string;
  late?: string;
  purpose?: string;
  q?: string;
  limit?: number;
  cursor?: string;
}
export type Alarms = Page<Episode> & { more: boolean };
export const alarms = (asked: AlarmsAsked, signal?: AbortSignal) => ask<Alarms>(`/alarms${query({ ...asked })}`, { signal });

const of = (id: string) => `/alarms/${encodeURIComponent(id)}`;
export const judgedBy = (id: string, signal?: AbortSignal) => ask<JudgedBy>(`${of(id)}/rule`, { signal });
export const pointRules = (point: string, signal?: AbortSignal) =>
  ask<PointRules>(`/points/${point.split("/").map(encodeURIComponent).join("/")}/rules`, { signal });
export const overlays = async (signal?: AbortSignal) => (await ask<{ items: RuleOverlay[] }>("/alarms/overlays", { signal })).items;
export const shelfRequests = async (signal?: AbortSignal) => (await ask<{ items: ShelfRequest[] }>("/alarms/shelf-requests", { signal })).items;

export const flood = (signal?: AbortSignal) => ask<Flood>("/alarms/flood", { signal });
/** In a flood the blue and yellow alarms by site; the others stay in the ordinary list. */
export const groups = async (signal?: AbortSignal) => (await ask<{ groups: SiteGroup[] }>(`/alarms/grouped${query({ limit: 1 })}`, { signal })).groups;
/** What is silent: one item for a gateway, a bus or a device, whatever lies below it. */
export const faults = async (signal?: AbortSignal) => (await ask<Alarms>(`/faults${query({ limit: 200 })}`, { signal })).items;

/** What gateways delivered late, newest first. */
export const backfills = async (asked: { gateway?: string; limit: number }, signal?: AbortSignal) =>
  (await ask<{ items: Backfill[] }>(`/backfills${query({ ...asked })}`, { signal })).items;

/** An attempt at a change: its key stays the same however often it has to be sent. */
export interface Attempt {
  path: string;
  body: unknown;
  key: string;
}
const attempt = (path: string, body: unknown): Attempt => ({ path, body, key: idempotencyKey() });
export const act = (id: string, what: Act, body: unknown) => attempt(`${of(id)}/${actPath(what)}`, body);
/** The same on a rule, whether its alarm stands or not. */
export const actOnRule = (rule: string, what: Act, body: object) => attempt("/alarms/overlays", { rule, act: what, ...body });
export const acknowledgeMany = (alarms: readonly string[], comment: string) => attempt("/alarms/acknowledge", { alarms, comment });
export const decide = (request: number, confirm: boolean) => attempt(`/alarms/shelf-requests/${request}/${confirm ? "confirm" : "refuse"}`, {});

export type Bulk = { items: BulkOutcome[] };
export type Acted = Episode | OverlayDone | Bulk;

/** Pauses before it is sent again; after the last one the person decides. */
export const AGAIN = [500, 1_500, 4_000];
const UNHEARD = new Set([0, 502, 503, 504]);
/** Whether nobody can say if it was done: nothing answered, or something in between did. */
export const unheard = (error: unknown): boolean => error instanceof ApiError && (UNHEARD.has(error.status) || error.code === "NOT_JSON");

const wait = (ms: number) => new Promise<void>((go) => setTimeout(go, ms));

/** Send an attempt, again with the same key where nobody answered: it is done once. Throws the last ApiError. */
export async function send<T extends Acted>(what: Attempt, pauses: readonly number[] = AGAIN, pause = wait): Promise<T> {
  for (let time = 0; ; time += 1) {
    try {
      return await ask<T>(what.path, { method: "POST", body: what.body, headers: { "Idempotency-Key": what.key } });
    } catch (error) {
      const again = pauses[time];
      if (again === undefined || !unheard(error)) throw error;
      await pause(again);
    }
  }
}
