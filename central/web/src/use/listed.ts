/** A list the collector hands out a page at a time: read from its beginning, and on from where it ended. */

import { type Ref, ref, shallowRef } from "vue";
import { ApiError } from "../api/client";
import type { Listed } from "../api/calls";
import { type Load, useLoad } from "./load";

export interface Pages<T> {
  load: Load;
  items: Ref<T[]>;
  next: Ref<string | null>;
  busy: Ref<boolean>;
  error: Ref<ApiError | null>;
  more(): Promise<void>;
}

export function useListed<T>(read: (cursor: string | null, signal?: AbortSignal) => Promise<Listed<T>>): Pages<T> {
  const items = shallowRef<T[]>([]) as Ref<T[]>;
  const next = ref<string | null>(null);
  const busy = ref(false);
  const error = shallowRef<ApiError | null>(null);
  let turn = 0;
  const load = useLoad(async (signal) => {
    turn += 1;
    const page = await read(null, signal);
    [items.value, next.value, error.value] = [page.items, page.next, null];
  });

  async function more(): Promise<void> {
    if (busy.value || !next.value) return;
    const mine = turn;
    busy.value = true;
    error.value = null;
    try {
      const page = await read(next.value);
      if (mine !== turn) return; // the list was begun anew meanwhile
      [items.value, next.value] = [[...items.value, ...page.items], page.next];
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure;
    } finally {
      busy.value = false;
    }
  }
  return { load, items, next, busy, error, more };
}
