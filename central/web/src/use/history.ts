/** Alarms of the past, by pages from the collector, the newest first. */

import { type Ref, computed, ref, shallowRef, watch } from "vue";
import * as calls from "../api/alarmCalls";
import { ApiError } from "../api/client";
import type { Episode } from "../api/types";
import type { AlarmFilter } from "../logic/filter";

const PAGE = 50;

export function useHistory(filter: Ref<AlarmFilter>, sites: Ref<Set<string> | null>) {
  const items = shallowRef<Episode[]>([]);
  const total = ref(0);
  const next = ref<string | null>(null);
  const busy = ref(false);
  const started = ref(performance.now());
  const error = shallowRef<ApiError | null>(null);
  let present: AbortController | null = null;

  async function load(more: unknown = false): Promise<void> {
    const further = more === true;
    if (further && (busy.value || !next.value)) return;
    present?.abort();
    const mine = new AbortController();
    present = mine;
    busy.value = true;
    started.value = performance.now();
    error.value = null;
    const { level, verification, late, purpose, q } = filter.value;
    const site = sites.value ? [...sites.value].join(",") : "";
    try {
      const cursor = further && next.value ? { cursor: next.value } : {};
      const page = await calls.alarms({ state: "history", level, verification, late, purpose, site, q, limit: PAGE, ...cursor }, mine.signal);
      items.value = further ? [...items.value, ...page.items] : page.items;
      total.value = page.total;
      next.value = page.next;
    } catch (failure) {
      if (mine.signal.aborted) return;
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure;
    } finally {
      if (present === mine) busy.value = false;
    }
  }

  watch(
    () => JSON.stringify(filter.value),
    () => filter.value.state === "history" && void load(),
  );
  return { items, total, busy, started, error, more: computed(() => next.value !== null), load };
}
