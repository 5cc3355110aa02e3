/** The person's roles in words. */

import { computed } from "vue";
import { useI18n } from "vue-i18n";
import { useConsole } from "../store/console";

export function useRoles() {
  const { t, te } = useI18n();
  const { state } = useConsole();
  const roles = computed(() =>
    (state.session?.person.roles ?? []).map((role) => (te(`role.${role}`) ? t(`role.${role}`) : role)).join(" · "),
  );
  return { roles };
}
