/** Points and live values of the sites a page speaks of, loaded once each. */

import { type Ref, watch } from "vue";
import { ApiError } from "../api/client";
import { useConsole } from "../store/console";

export function useSites(names: Ref<string[]>): void {
  const { state, loadSite } = useConsole();
  const asked = new Set<string>();
  watch(
    names,
    (wanted) => {
      for (const name of wanted) {
        if (state.sites[name] || asked.has(name)) continue;
        asked.add(name);
        loadSite(name).catch((error: unknown) => {
          asked.delete(name); // rows then show what came with the alarm; the next change asks again
          if (!(error instanceof ApiError)) throw error;
        });
      }
    },
    { immediate: true },
  );
}
