/** How a gateway stands with us: its keys, codes and held starts made one word, and what waits for somebody first. */

import type { Gateway, GatewayKey, HeldStart, Invitation } from "../api/types";

export type Standing = "held" | "pending" | "invited" | "never" | "token" | "active" | "refused" | "revoked";
const ORDER: readonly Standing[] = ["held", "pending", "invited", "token", "never", "active", "refused", "revoked"];

export interface Enrolment {
  keys: GatewayKey[];
  codes: Invitation[];
  held: HeldStart[];
}

export interface Entry {
  gateway: Gateway;
  standing: Standing;
  /** the key it speaks with, else the newest */
  key: GatewayKey | null;
  waiting: GatewayKey | null;
  held: HeldStart | null;
  code: Invitation | null;
  keys: GatewayKey[];
  codes: Invitation[];
}

/** `ed25519:0f3a…`: enough to tell two keys apart on a screen. */
export const shortKey = (keyid: string): string => {
  const at = keyid.indexOf(":");
  return at < 0 ? keyid.slice(0, 8) : keyid.slice(at + 1, at + 9);
};
export const shortBoot = (boot: string): string => boot.slice(0, 8);

function standingOf(entry: Omit<Entry, "standing">): Standing {
  if (entry.held) return "held";
  if (entry.waiting) return "pending";
  if (entry.key && (entry.key.state === "active" || entry.key.state === "held")) return "active";
  if (entry.code) return "invited";
  if (entry.key) return entry.key.state === "refused" ? "refused" : "revoked";
  return entry.gateway.state === "never" ? "never" : "token";
}

/** One gateway with everything enrolment knows of it. */
export function entryOf(gateway: Gateway, all: Enrolment): Entry {
  const own = <T extends { gateway: string }>(items: T[]) => items.filter((item) => item.gateway === gateway.name);
  const newest = own(all.keys).sort((a, b) => Date.parse(b.created) - Date.parse(a.created));
  const codes = own(all.codes);
  const entry = {
    gateway,
    keys: newest,
    codes,
    key: newest.find((key) => key.state === "active" || key.state === "held") ?? newest.find((key) => key.state !== "pending") ?? null,
    waiting: newest.find((key) => key.state === "pending") ?? null,
    held: own(all.held).find((start) => start.state === "held") ?? null,
    code: codes.find((code) => code.state === "open") ?? null,
  };
  return { ...entry, standing: standingOf(entry) };
}

/** Every gateway that is not a system of somebody's own, what waits for a person first. */
export function entries(gateways: Gateway[], all: Enrolment, virtual: ReadonlySet<string>): Entry[] {
  return gateways
    .filter((gateway) => !virtual.has(gateway.name))
    .map((gateway) => entryOf(gateway, all))
    .sort((a, b) => ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing) || (a.gateway.name < b.gateway.name ? -1 : 1));
}

/** The digits of what somebody typed: blanks and dashes between them do not count. */
export const digitsOf = (text: string): string => text.replace(/[^0-9０-９]/g, "").replace(/[０-９]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0)).slice(0, 6);
/** `482 913`, as one reads it out. */
export const spaced = (digits: string): string => (digits.length > 3 ? `${digits.slice(0, 3)} ${digits.slice(3)}` : digits);

export const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/;
const MINUTE = 60_000;
const LONGEST = 31 * 24 * 60 * MINUTE;

export interface CodeForm {
  gateway: string;
  zh: string;
  en: string;
  site: string;
  ordered: boolean;
  order: string;
  installer: string;
  /** as a `datetime-local` field says it, meant in UTC+8 */
  opens: string;
  expires: string;
}
export type Fault = "gateway" | "zh" | "site" | "order" | "installer" | "window";

/** `2026-07-18T08:00` of a field, meant in UTC+8, as the API wants it; "" when it is no time. */
export function fromField(text: string): string {
  const ms = Date.parse(`${text.length === 16 ? `${text}:00` : text}+08:00`);
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString();
}
/** What a `datetime-local` field says for `ms`, in UTC+8. */
export const toField = (ms: number): string => new Date(ms + 8 * 60 * MINUTE).toISOString().slice(0, 16);

/** Everything that is wrong with the form, at once; `now` is the collector's own time. */
export function faults(form: CodeForm, now: number): Fault[] {
  const found: Fault[] = [];
  if (!NAME.test(form.gateway.trim())) found.push("gateway");
  if (form.en.trim() && !form.zh.trim()) found.push("zh");
  if (form.site.trim() ? !NAME.test(form.site.trim()) : form.ordered) found.push("site");
  if (!form.ordered) return found;
  if (!form.order.trim()) found.push("order");
  if (!form.installer.trim()) found.push("installer");
  const [opens, expires] = [Date.parse(fromField(form.opens)), Date.parse(fromField(form.expires))];
  const long = expires - opens;
  if (!(expires > now && long >= 5 * MINUTE && long <= LONGEST)) found.push("window");
  return found;
}

/** What is asked of the API; what was left empty is left out. */
export function asked(form: CodeForm): Record<string, unknown> {
  const label = form.zh.trim() ? { label: { zh: form.zh.trim(), en: form.en.trim() } } : {};
  const site = form.site.trim() ? { site: form.site.trim() } : {};
  const order = form.ordered
    ? { work_order: form.order.trim(), installer: form.installer.trim(), opens: fromField(form.opens), expires: fromField(form.expires) }
    : {};
  return { gateway: form.gateway.trim(), ...label, ...site, ...order };
}

/** Whether only the collector's own machine can reach this address. */
export function isLoopback(url: string): boolean {
  try {
    const host = new URL(url).hostname;
    return host === "localhost" || host === "[::1]" || host.startsWith("127.");
  } catch {
    return false;
  }
}
