/** Filters that live in the address: sharing it gives the same page. */

import { computed } from "vue";
import { useRoute, useRouter } from "vue-router";

export function useFilter() {
  const route = useRoute();
  const router = useRouter();
  const get = (key: string): string => {
    const value = route.query[key];
    return typeof value === "string" ? value : "";
  };
  function set(values: Record<string, string>): void {
    const query = { ...route.query };
    for (const [key, value] of Object.entries(values)) {
      if (value) query[key] = value;
      else delete query[key];
    }
    void router.replace({ path: route.path, query });
  }
  const field = (key: string) => computed({ get: () => get(key), set: (value: string) => set({ [key]: value }) });
  return { get, set, field };
}
