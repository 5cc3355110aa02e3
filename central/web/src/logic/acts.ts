/** What people do with an alarm: what its state and the person allow, what each act asks for, and what is sent. */

import type { AlarmState, Episode, OverlayLayer, VerificationResult } from "../api/types";
import { isUnacknowledged } from "./order";

export const ACTS = ["acknowledge", "verify", "shelve", "comment", "reset", "unshelve", "suppress", "unsuppress", "out_of_service", "in_service"] as const;
export type Act = (typeof ACTS)[number];
export const RESULTS: readonly VerificationResult[] = ["real", "false", "instrument", "filed", "test"];

/** The roles of the permission table; the collector judges again. */
const OPERATE = ["operator", "engineer", "administrator"];
const SUPPRESS = ["engineer", "administrator"];
const NO_END_OF_ITS_OWN: ReadonlySet<Act> = new Set<Act>(["suppress", "unsuppress", "out_of_service", "in_service"]);

export function mayDo(act: Act, roles: readonly string[]): boolean {
  const allowed = NO_END_OF_ITS_OWN.has(act) ? SUPPRESS : OPERATE;
  return roles.some((role) => allowed.includes(role));
}

/** What lies over the rule, by name. */
export function under(layers: readonly OverlayLayer[], name: OverlayLayer["name"]): OverlayLayer | undefined {
  return layers.find((layer) => layer.name === name);
}

/** Whether the alarm's state lets it be done now. */
export function canDo(act: Act, state: AlarmState, layers: readonly OverlayLayer[]): boolean {
  switch (act) {
    case "acknowledge": return isUnacknowledged(state);
    case "reset": return state === "LATCHED_ACKED";
    case "shelve": return !under(layers, "SUPPRESSED") && !under(layers, "OUT_OF_SERVICE") && !under(layers, "SHELVED");
    case "unshelve": return !!under(layers, "SHELVED");
    case "suppress": return !under(layers, "SUPPRESSED");
    case "unsuppress": return !!under(layers, "SUPPRESSED");
    case "out_of_service": return !under(layers, "OUT_OF_SERVICE");
    case "in_service": return !!under(layers, "OUT_OF_SERVICE");
    default: return true;
  }
}

/** The acts offered for an alarm, in the order of the foot; its acknowledgement has a place of its own. */
export function offered(episode: Pick<Episode, "state" | "overlays">, roles: readonly string[]): Act[] {
  return ACTS.filter((act) => act !== "acknowledge" && mayDo(act, roles) && canDo(act, episode.state, episode.overlays));
}

/** The act that ends a layer. */
export const ENDS: Record<OverlayLayer["name"], Act> = { SHELVED: "unshelve", SUPPRESSED: "unsuppress", OUT_OF_SERVICE: "in_service" };

/** Shelves one asks for, in seconds: those below the cap, and the cap itself. */
const USUAL = [5, 30, 60, 240].map((minutes) => minutes * 60);
export const shelves = (longest: number): number[] => [...USUAL.filter((seconds) => seconds < longest), longest].slice(-4);

export interface Given {
  /** comment, reason, note or text, as the act calls it */
  text: string;
  result: VerificationResult | "";
  seconds: number;
  oneShot: boolean;
  permit: string;
  filing: string;
}
export const NOTHING_GIVEN: Given = { text: "", result: "", seconds: 0, oneShot: false, permit: "", filing: "" };

export type ActFault = "reason" | "text" | "result" | "seconds" | "permit" | "both" | "filing";
const REASONED: ReadonlySet<Act> = new Set<Act>(["shelve", "unshelve", "suppress", "unsuppress", "out_of_service", "in_service"]);
export const needsReason = (act: Act): boolean => REASONED.has(act);

/** What is missing or wrong, all at once. */
export function actFaults(act: Act, given: Given): ActFault[] {
  const found: ActFault[] = [];
  const text = given.text.trim();
  if (act === "verify" && !given.result) found.push("result");
  if (act === "shelve" && !(given.seconds > 0)) found.push("seconds");
  if (needsReason(act) && !text) found.push("reason");
  if (act === "comment" && !text) found.push("text");
  if (act === "out_of_service") {
    const permit = given.permit.trim();
    const filing = given.filing.trim();
    if (!permit && !filing) found.push("permit");
    else if (permit && filing) found.push("both");
    else if (filing && !/^[1-9]\d{0,17}$/.test(filing)) found.push("filing");
  }
  return found;
}

/** What is sent for it. */
export function actBody(act: Act, given: Given): Record<string, unknown> {
  const text = given.text.trim();
  switch (act) {
    case "acknowledge":
    case "reset": return { comment: text };
    case "verify": return { result: given.result, note: text };
    case "comment": return { text };
    case "shelve": return { seconds: given.seconds, reason: text, one_shot: given.oneShot };
    case "out_of_service": return given.filing.trim() ? { reason: text, filing: Number(given.filing.trim()) } : { reason: text, permit: given.permit.trim() };
    default: return { reason: text };
  }
}

/** The most characters of its text. */
export const longest = (act: Act): number => (act === "comment" ? 2_000 : act === "verify" ? 1_000 : 500);

/** The last part of its address. */
export const actPath = (act: Act): string => act.replaceAll("_", "-");
