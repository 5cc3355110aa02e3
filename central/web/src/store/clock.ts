/** The page's one clock: the collector's time, counted on between reports, ticking once a second. */

import { type Ref, ref, shallowRef } from "vue";
import type { ClockReport } from "../api/types";
import { type Anchor, anchor, serverTime } from "../logic/clock";

export interface PageClock {
  /** the collector's (in a demo: the story's) time in ms, renewed each second */
  now: Ref<number>;
  /** this machine's monotonic time in ms, renewed with `now`; for what really waits (reconnecting) */
  local: Ref<number>;
  at: Ref<Anchor | null>;
  report(clock: ClockReport, travel?: number): void;
  /** the collector's time this instant */
  instant(): number;
  stop(): void;
}

const TICK = 1000;

/** Start ticking. Before the first report the machine's own time stands in. */
export function startClock(): PageClock {
  const at = shallowRef<Anchor | null>(null);
  const now = ref(Date.now());
  const local = ref(performance.now());
  const instant = () => (at.value ? serverTime(at.value, performance.now()) : Date.now());
  const tick = () => {
    local.value = performance.now();
    now.value = instant();
  };
  const timer = window.setInterval(tick, TICK);
  return {
    now,
    local,
    at,
    instant,
    report(clock, travel = 0) {
      at.value = anchor(clock, performance.now(), travel);
      tick();
    },
    stop: () => window.clearInterval(timer),
  };
}
