/** What the collector refused, as a sentence. */

import { useI18n } from "vue-i18n";
import type { ApiError } from "../api/client";
import { sentence } from "../i18n/catalogue";

export function useRefusal() {
  const { t, te } = useI18n();
  return (error: ApiError): string => {
    if (te(`error.${error.code}`)) return t(`error.${error.code}`, error.params);
    const shared = sentence(error.code, error.params);
    if (shared) return shared;
    if (error.status === 403) return t("error.FORBIDDEN");
    if (error.status === 404) return t("error.NOT_FOUND");
    return t(error.status >= 500 ? "error.server" : "error.client");
  };
}
