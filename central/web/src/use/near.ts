/** Which rows of a long list are in sight, or nearly: only those are drawn whole. */

import { type Ref, computed, nextTick, onBeforeUnmount, shallowRef, watch } from "vue";

const MARGIN = "600px";
/** Rows at the top are drawn before anybody knows what is in sight: what just came is read at once. */
const FIRST = 30;

type Row = { id: string };

/** Whether a row is drawn whole: it is in sight, or at the top and nobody has looked yet. */
export function drawn(id: string, near: ReadonlyMap<string, boolean>, top: ReadonlySet<string>): boolean {
  return near.get(id) ?? top.has(id);
}

export function useNear(table: Ref<HTMLElement | null>, rows: Ref<readonly Row[]>) {
  const near = shallowRef<ReadonlyMap<string, boolean>>(new Map());
  const top = computed(() => new Set(rows.value.slice(0, FIRST).map((row) => row.id)));
  const seen = new IntersectionObserver(
    (entries) => {
      const here = new Set(rows.value.map((row) => row.id));
      const now = new Map([...near.value].filter(([id]) => here.has(id)));
      for (const { target, isIntersecting } of entries) {
        const id = (target as HTMLElement).dataset["id"] ?? "";
        if (here.has(id)) now.set(id, isIntersecting);
      }
      near.value = now;
    },
    { rootMargin: MARGIN },
  );
  watch([table, rows], async () => {
    await nextTick();
    table.value?.querySelectorAll("tr[data-id]").forEach((row) => seen.observe(row));
  }, { immediate: true });
  onBeforeUnmount(() => seen.disconnect());
  return { isNear: (id: string): boolean => drawn(id, near.value, top.value) };
}
