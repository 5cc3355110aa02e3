/** Blue and yellow alarms by site while it floods; read anew as long as somebody looks. */

import { type Ref, onScopeDispose, shallowRef, watch } from "vue";
import * as calls from "../api/alarmCalls";
import { ApiError } from "../api/client";
import type { SiteGroup } from "../api/types";

const AGAIN = 4_000;

export function useGroups(wanted: Ref<boolean>) {
  const groups = shallowRef<SiteGroup[]>([]);
  const error = shallowRef<ApiError | null>(null);
  async function load(): Promise<void> {
    try {
      groups.value = await calls.groups();
      error.value = null;
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure; // what was read stays; the next reading comes by itself
    }
  }
  watch(wanted, (now) => now && void load(), { immediate: true });
  const timer = window.setInterval(() => wanted.value && void load(), AGAIN);
  onScopeDispose(() => window.clearInterval(timer));
  return { groups, error, load };
}
