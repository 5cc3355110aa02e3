/** Filings and platform faults: how each stands, and what a form asks for. Times are ms since 1970. */

import type { Exempted } from "../api/types";
import { fromField } from "./enrolment";

export type ExemptionState = "planned" | "open" | "ended" | "withdrawn";
export type Kind = "filings" | "faults";

export const CATEGORIES = {
  filings: ["shutdown", "maintenance", "calibration", "replacement", "power_or_network", "removal", "instrument_fault"],
  faults: ["platform", "network", "power", "maintenance"],
} as const;
const LONGEST_REASON = 500;

/** How it stands at `now`; what was withdrawn never counted. */
export function standing(one: Pick<Exempted, "from" | "to" | "withdrawn">, now: number): ExemptionState {
  if (one.withdrawn) return "withdrawn";
  if (Date.parse(one.from) > now) return "planned";
  return one.to && Date.parse(one.to) <= now ? "ended" : "open";
}

export interface ExemptionForm {
  site: string;
  category: string;
  some: boolean;
  points: string[];
  /** as a `datetime-local` field says it, meant in UTC+8 */
  from: string;
  to: string;
  reason: string;
  reference: string;
}
export type ExemptionFault = "site" | "category" | "points" | "from" | "to" | "reason";

/** Everything that is wrong with the form, at once. */
export function exemptionFaults(form: ExemptionForm, kind: Kind): ExemptionFault[] {
  const found: ExemptionFault[] = [];
  if (kind === "filings" && !form.site) found.push("site");
  if (!form.category) found.push("category");
  if (kind === "filings" && form.some && !form.points.length) found.push("points");
  const [from, to] = [fromField(form.from), fromField(form.to)];
  if (!from) found.push("from");
  else if (form.to && !(to > from)) found.push("to");
  const reason = form.reason.trim();
  if (!reason || reason.length > LONGEST_REASON) found.push("reason");
  return found;
}

/** What is asked of the API; what was left empty is left out. */
export function exemptionAsked(form: ExemptionForm, kind: Kind): Record<string, unknown> {
  return {
    ...(form.site ? { site: form.site } : {}),
    ...(kind === "filings" && form.some ? { points: form.points } : {}),
    category: form.category,
    from: fromField(form.from),
    to: form.to ? fromField(form.to) : null,
    reason: form.reason.trim(),
    reference: form.reference.trim(),
  };
}
