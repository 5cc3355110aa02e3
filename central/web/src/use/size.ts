/** The size of an element in pixels, followed. */

import { type Ref, onBeforeUnmount, onMounted, ref } from "vue";

export function useSize(element: Ref<HTMLElement | null>): { width: Ref<number>; height: Ref<number> } {
  const width = ref(0);
  const height = ref(0);
  const observer = new ResizeObserver(([entry]) => {
    width.value = Math.floor(entry?.contentRect.width ?? 0);
    height.value = Math.floor(entry?.contentRect.height ?? 0);
  });
  onMounted(() => element.value && observer.observe(element.value));
  onBeforeUnmount(() => observer.disconnect());
  return { width, height };
}
