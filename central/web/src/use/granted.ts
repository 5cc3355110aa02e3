/** What this person may do about gateways; the collector judges again. */

import { computed } from "vue";
import { useConsole } from "../store/console";

export function useGranted() {
  const { state } = useConsole();
  const has = (...wanted: string[]) => computed(() => !!state.session?.person.roles.some((role) => wanted.includes(role)));
  return { administrator: has("administrator"), approver: has("engineer", "administrator") };
}
