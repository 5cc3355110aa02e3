/** Who may change rules: engineers and administrators; everyone's rules, who of them see every site. */

import { computed } from "vue";
import { useConsole } from "../store/console";
import { useGranted } from "./granted";

export function useKeeper() {
  const { state } = useConsole();
  const { approver } = useGranted();
  const all = computed(() => state.session !== null && state.session.person.scope === null);
  return { keeper: approver, everyones: computed(() => approver.value && all.value), all, me: computed(() => state.session?.person.name ?? "") };
}
