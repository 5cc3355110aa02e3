/** The open alarms a filter lets through, in the collector's order: what the stream keeps, and further pages on demand. */

import { type Ref, computed, onScopeDispose, ref, shallowRef, watch } from "vue";
import * as calls from "../api/alarmCalls";
import { ApiError } from "../api/client";
import type { Episode } from "../api/types";
import { type AlarmFilter, filterAlarms, filteredSites } from "../logic/filter";
import { farther, within } from "../logic/horizon";
import { urgentFirst } from "../logic/order";
import { useConsole } from "../store/console";

const PAGE = 100;
const COUNT_AGAIN = 10_000;

export function useOpenList(filter: Ref<AlarmFilter>) {
  const { state, open, keep } = useConsole();
  const horizon = shallowRef<Episode | null>(null);
  const next = ref<string | null | undefined>(undefined);
  const told = ref<number | null>(null);
  const busy = ref(false);
  const error = shallowRef<ApiError | null>(null);
  let present: AbortController | null = null;

  const matching = computed(() => filterAlarms(open.value, filter.value, state.overview?.sites ?? []).sort(urgentFirst));
  const items = computed(() => within(matching.value, horizon.value));
  const more = computed(() => horizon.value !== null);
  const total = computed(() => (more.value ? Math.max(told.value ?? 0, items.value.length) : items.value.length));

  function asked(limit: number): calls.AlarmsAsked {
    const { state: view, level, purpose, late, q } = filter.value;
    const sites = filteredSites(filter.value, state.overview?.sites ?? []);
    return { state: view === "unacknowledged" ? view : "open", level, purpose, late, q, limit, site: sites ? [...sites].join(",") : "" };
  }
  async function read(limit: number, cursor?: string): Promise<calls.Alarms | null> {
    present?.abort();
    const mine = new AbortController();
    present = mine;
    busy.value = true;
    error.value = null;
    try {
      return await calls.alarms({ ...asked(limit), ...(cursor ? { cursor } : {}) }, mine.signal);
    } catch (failure) {
      if (mine.signal.aborted) return null;
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure;
      return null;
    } finally {
      if (present === mine) busy.value = false;
    }
  }
  /** Read on until more is known. The first pages of a filter may bring only what the stream has kept already. */
  async function further(): Promise<void> {
    if (!more.value || busy.value) return;
    const before = horizon.value;
    while (horizon.value && horizon.value === before) {
      const page = await read(PAGE, next.value ?? undefined);
      if (!page) return;
      keep(page.items);
      told.value = page.total;
      next.value = page.next;
      const last = page.items.at(-1);
      horizon.value = page.next && last ? farther(horizon.value, last) : null;
    }
  }
  async function count(): Promise<void> {
    if (!more.value || busy.value) return;
    const page = await read(1);
    if (page) told.value = page.total;
  }
  watch(
    () => [JSON.stringify(filter.value), state.read],
    () => {
      present?.abort();
      busy.value = false;
      horizon.value = state.horizon;
      [next.value, told.value, error.value] = [undefined, null, null];
      if (more.value) void further();
    },
    { immediate: true },
  );
  const timer = window.setInterval(() => void count(), COUNT_AGAIN);
  onScopeDispose(() => {
    window.clearInterval(timer);
    present?.abort();
  });
  return { items, total, more, busy, error, further };
}
