/** 确认收到 from anywhere: one at a time per alarm, refusals said in words. */

import { reactive } from "vue";
import { useI18n } from "vue-i18n";
import { ApiError } from "../api/client";
import { sentence } from "../i18n/catalogue";
import { isUnacknowledged } from "../logic/order";
import { moment } from "../logic/time";
import { useConsole } from "../store/console";

const busy = reactive<Record<string, boolean>>({});
const notices = reactive<Record<string, string>>({});

export function useAcknowledge() {
  const { t, te } = useI18n();
  const { state, clock, live, mayAcknowledge, acknowledge: send } = useConsole();

  /** Why this alarm cannot be acknowledged now, or "" when it can. */
  function hindrance(id: string): string {
    const episode = state.episodes[id];
    if (!live.value) return t("acknowledge.offline");
    if (!mayAcknowledge.value) return t("acknowledge.role");
    if (busy[id]) return t("acknowledge.busy");
    if (episode && !isUnacknowledged(episode.state)) return t("acknowledge.done");
    return "";
  }

  function refusal(error: ApiError): string {
    const params = error.params;
    if (error.code === "ALREADY_ACKNOWLEDGED") {
      const at = typeof params["at"] === "string" ? moment(params["at"], clock.now.value) : "";
      return t("acknowledge.already", { by: String(params["by"] ?? ""), at });
    }
    if (te(`error.${error.code}`)) return t(`error.${error.code}`, params);
    return sentence(error.code, params) ?? t(error.status === 403 ? "error.FORBIDDEN" : error.status >= 500 ? "error.server" : "error.client");
  }

  async function acknowledge(id: string, comment = ""): Promise<boolean> {
    if (hindrance(id)) return false;
    busy[id] = true;
    delete notices[id];
    try {
      await send(id, comment);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      notices[id] = refusal(error);
      return false;
    } finally {
      delete busy[id];
    }
  }

  return { acknowledge, hindrance, notices };
}
