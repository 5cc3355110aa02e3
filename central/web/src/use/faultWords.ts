/** What is silent, in words: how much lies below it. */

import { useI18n } from "vue-i18n";
import type { Episode } from "../api/types";

type Fault = NonNullable<Episode["fault"]>;

export function useFaultWords() {
  const { t } = useI18n();
  /** `1 台网关、3 台设备、27 个点位`; what there is none of is not told */
  const counts = (fault: Fault): string =>
    (["gateways", "devices", "points"] as const).filter((each) => fault[each] > 0).map((each) => t(`acts.fault_.${each}`, { n: fault[each] }, fault[each])).join(t("acts.comma"));
  return { counts };
}
