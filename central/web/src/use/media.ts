/** Media queries as refs; one listener each, gone with its component. */

import { type Ref, onScopeDispose, ref } from "vue";

export function useMedia(query: string): Ref<boolean> {
  const list = window.matchMedia(query);
  const matches = ref(list.matches);
  const take = (event: MediaQueryListEvent) => {
    matches.value = event.matches;
  };
  list.addEventListener("change", take);
  onScopeDispose(() => list.removeEventListener("change", take));
  return matches;
}

export const usePhone = (): Ref<boolean> => useMedia("(max-width: 767px)");
export const useNarrow = (): Ref<boolean> => useMedia("(max-width: 1099px)");
