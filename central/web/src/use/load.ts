/** Reading something with its states said: quiet, loading, ready, error; it can be cancelled and retried. */

import { type Ref, onScopeDispose, ref, shallowRef } from "vue";
import { ApiError } from "../api/client";

export type LoadState = "loading" | "ready" | "error" | "cancelled";

export interface Load {
  state: Ref<LoadState>;
  error: Ref<ApiError | null>;
  /** collector-independent start of the present try, monotonic ms */
  started: Ref<number>;
  run(): Promise<void>;
  cancel(): void;
}

/** Run `read` now and on `run()`; a newer run silences the older. */
export function useLoad(read: (signal: AbortSignal) => Promise<void>): Load {
  const state = ref<LoadState>("loading");
  const error = shallowRef<ApiError | null>(null);
  const started = ref(performance.now());
  let present: AbortController | null = null;

  async function run(): Promise<void> {
    present?.abort();
    const mine = new AbortController();
    present = mine;
    started.value = performance.now();
    error.value = null;
    state.value = "loading";
    try {
      await read(mine.signal);
      if (present === mine) state.value = "ready";
    } catch (failure) {
      if (present !== mine || mine.signal.aborted) return;
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure;
      state.value = "error";
    }
  }

  function cancel(): void {
    present?.abort();
    state.value = "cancelled";
  }

  onScopeDispose(() => present?.abort());
  void run();
  return { state, error, started, run, cancel };
}
