/** What the collector refused of an act, as a sentence: its states and acts in words, its times as people read them. */

import { useI18n } from "vue-i18n";
import type { ApiError } from "../api/client";
import { sentence } from "../i18n/catalogue";
import { moment } from "../logic/time";
import { useConsole } from "../store/console";

export interface Refusal {
  code: string;
  status?: number;
  params: Record<string, unknown>;
}

export function useActRefusal() {
  const { t, te } = useI18n();
  const { clock } = useConsole();
  const named = (table: string, key: string) => (te(`${table}.${key}`) ? t(`${table}.${key}`) : key);

  function worded(params: Record<string, unknown>): Record<string, unknown> {
    const shown = { ...params };
    if (typeof shown["state"] === "string") shown["state"] = te(`state.${shown["state"]}`) ? t(`state.${shown["state"]}`) : named("acts.overlay", shown["state"]);
    if (typeof shown["what"] === "string") shown["what"] = named("acts.name", shown["what"]);
    if (typeof shown["allowed"] === "string") shown["allowed"] = shown["allowed"].split(", ").map((act) => named("acts.name", act)).join(t("acts.comma"));
    if (typeof shown["decision"] === "string") shown["decision"] = te(`acts.request.word.${shown["decision"]}`) ? t(`acts.request.word.${shown["decision"]}`) : shown["decision"];
    return shown;
  }
  return (error: ApiError | Refusal): string => {
    const { code, params } = error;
    const status = error.status ?? 409;
    if (status === 0 || code === "NETWORK" || code === "NOT_JSON" || status >= 502) return t("acts.unheard");
    if (code === "ALREADY_ACKNOWLEDGED") {
      const at = typeof params["at"] === "string" ? moment(params["at"], clock.now.value) : "";
      return t("acknowledge.already", { by: String(params["by"] ?? ""), at });
    }
    if (te(`error.${code}`)) return t(`error.${code}`, params);
    const shared = sentence(code, worded(params), clock.now.value);
    if (shared) return shared;
    if (status === 403) return t("error.FORBIDDEN");
    if (status === 404) return t("error.NOT_FOUND");
    return t(status >= 500 ? "error.server" : "error.client");
  };
}
