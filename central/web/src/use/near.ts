/** Which rows of a long list are in sight, or nearly: only those are drawn whole. */

import { type Ref, nextTick, onBeforeUnmount, shallowRef, watch } from "vue";

const MARGIN = "600px";
/** Rows at the top are drawn before anybody knows what is in sight. */
const FIRST = 30;

export function useNear(table: Ref<HTMLElement | null>, rows: Ref<readonly { id: string }[]>) {
  const near = shallowRef<ReadonlySet<string>>(new Set(rows.value.slice(0, FIRST).map((row) => row.id)));
  const seen = new IntersectionObserver(
    (entries) => {
      const now = new Set(near.value);
      for (const { target, isIntersecting } of entries) {
        const id = (target as HTMLElement).dataset["id"] ?? "";
        if (isIntersecting) now.add(id);
        else now.delete(id);
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
  return { isNear: (id: string): boolean => near.value.has(id) };
}
