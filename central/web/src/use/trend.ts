/** 45 minutes of one point up to now or to a past moment; up to now it is re-read and grows by live values. */

import { type Ref, computed, onScopeDispose, shallowRef, watch } from "vue";
import * as calls from "../api/calls";
import { ApiError } from "../api/client";
import { type Trend, trend, withNewest, withSilence } from "../logic/trend";
import { useConsole } from "../store/console";

const WINDOW = 45 * 60;
const BUCKETS = 270;
const AGAIN = 15_000;

export function useTrend(point: Ref<string>, until: Ref<number | null>) {
  const { state, clock, live } = useConsole();
  const read = shallowRef<Trend | null>(null);
  const error = shallowRef<ApiError | null>(null);
  const stale = computed(() => Math.max(state.points[point.value]?.stale ?? 60, (2 * WINDOW) / BUCKETS));
  let present: AbortController | null = null;

  async function load(): Promise<void> {
    present?.abort();
    const mine = new AbortController();
    present = mine;
    const id = point.value;
    const end = until.value ?? clock.instant();
    const span = [end - WINDOW * 1000, end].map((ms) => new Date(ms).toISOString()) as [string, string];
    try {
      const buckets = await calls.buckets(id, ...span, BUCKETS, mine.signal);
      if (present !== mine) return;
      read.value = trend(buckets, WINDOW / BUCKETS, stale.value);
      error.value = null;
    } catch (failure) {
      if (mine.signal.aborted) return;
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure;
    }
  }

  watch(
    [point, until],
    () => {
      read.value = null;
      void load();
    },
    { immediate: true },
  );
  const timer = window.setInterval(() => live.value && until.value === null && void load(), AGAIN);
  onScopeDispose(() => {
    window.clearInterval(timer);
    present?.abort();
  });

  /** What was read, the newest live value at its end, and the silence since. */
  const shown = computed<Trend | null>(() => {
    const base = read.value;
    if (!base || until.value !== null) return base;
    const newest = state.latest[point.value];
    const value = typeof newest?.value === "boolean" ? Number(newest.value) : newest?.value;
    const usable = newest?.source_time && newest.quality.class !== "bad" && typeof value === "number";
    const grown = usable ? withNewest(base, Date.parse(newest.source_time as string) / 1000, value, stale.value) : base;
    return withSilence(grown, stale.value, clock.now.value / 1000);
  });

  const to = computed(() => (until.value ?? clock.now.value) / 1000);
  return { shown, error, load, from: computed(() => to.value - WINDOW), to };
}
