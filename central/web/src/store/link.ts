/** The live stream: one EventSource, its loss noticed by silence too, reconnecting with a countdown. */

import { type Ref, ref } from "vue";
import * as calls from "../api/calls";
import { ApiError } from "../api/client";
import type { Backfill, ClockReport, Episode, Flood, Gateway, Latest, Overview, RuleOverlay, SiteValues } from "../api/types";
import { readings } from "../logic/siteValues";
import type { PageClock } from "./clock";

/** A clock event comes every 5 s; three missed ones mean that nobody is there. */
const SILENCE = 16_000;
const WATCH = 1_000;
const PAUSES = [1_000, 2_000, 4_000, 8_000, 15_000];

export type LinkState = "connecting" | "live" | "lost";

export interface Link {
  state: Ref<LinkState>;
  /** monotonic ms when the stream was lost */
  lostAt: Ref<number>;
  /** the collector's time of the last thing seen, ms */
  seenAt: Ref<number>;
  attempt: Ref<number>;
  /** monotonic ms of the next attempt; 0 while one is under way */
  retryAt: Ref<number>;
  start(): void;
  stop(): void;
  retryNow(): void;
}

export interface Listeners {
  /** runs after each connect, before the stream counts as live */
  caughtUp(): Promise<void>;
  expired(): void;
  values(values: Latest[]): void;
  alarm(episode: Episode): void;
  overlay(overlay: RuleOverlay): void;
  fault(item: Episode): void;
  flood(flood: Flood): void;
  backfill(delivered: Backfill): void;
  gateway(gateway: Gateway): void;
  overview(overview: Overview): void;
}

export function openLink(clock: PageClock, on: Listeners): Link {
  const state = ref<LinkState>("connecting");
  const lostAt = ref(0);
  const seenAt = ref(0);
  const attempt = ref(0);
  const retryAt = ref(0);
  let source: EventSource | null = null;
  let heard = 0;
  let retryTimer = 0;
  let watchTimer = 0;
  let asking = false;

  function connect(): void {
    retryAt.value = 0;
    heard = performance.now();
    const opened = new EventSource("/api/v1/stream");
    source = opened;
    const listen = <T>(name: string, act: (body: T) => void) =>
      opened.addEventListener(name, (event) => {
        heard = performance.now();
        seenAt.value = clock.instant();
        act(JSON.parse((event as MessageEvent<string>).data) as T);
      });
    listen<ClockReport>("clock", (report) => clock.report(report));
    listen<SiteValues>("values", (body) => on.values(readings(body)));
    listen<Episode>("alarm", on.alarm);
    listen<RuleOverlay>("overlay", on.overlay);
    listen<Episode>("fault", on.fault);
    listen<Flood>("flood", on.flood);
    listen<Backfill>("backfill", on.backfill);
    listen<Gateway>("gateway", on.gateway);
    listen<Overview>("overview", on.overview);
    opened.onopen = () => void catchUp(opened);
    opened.onerror = () => lose(opened);
  }

  async function catchUp(opened: EventSource): Promise<void> {
    heard = performance.now();
    try {
      await on.caughtUp();
    } catch {
      lose(opened); // whatever failed, the page may not claim to be live; `lose` finds out why
      return;
    }
    if (source !== opened) return;
    state.value = "live";
    seenAt.value = clock.instant();
    attempt.value = 0;
  }

  function lose(opened: EventSource | null): void {
    if (opened && source !== opened) return;
    source?.close();
    source = null;
    if (state.value !== "lost") {
      state.value = "lost";
      lostAt.value = performance.now();
    }
    const pause = PAUSES[Math.min(attempt.value, PAUSES.length - 1)] as number;
    attempt.value += 1;
    retryAt.value = performance.now() + pause;
    window.clearTimeout(retryTimer);
    retryTimer = window.setTimeout(() => void retry(), pause);
  }

  async function retry(): Promise<void> {
    if (asking || source) return;
    window.clearTimeout(retryTimer);
    retryAt.value = 0;
    asking = true;
    try {
      clock.report((await calls.session()).clock);
      connect();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) on.expired();
      else lose(null);
    } finally {
      asking = false;
    }
  }

  function watch(): void {
    if (source && performance.now() - heard > SILENCE) lose(source);
  }

  return {
    state,
    lostAt,
    seenAt,
    attempt,
    retryAt,
    start() {
      state.value = "connecting";
      attempt.value = 0;
      connect();
      watchTimer = window.setInterval(watch, WATCH);
    },
    stop() {
      source?.close();
      source = null;
      window.clearTimeout(retryTimer);
      window.clearInterval(watchTimer);
    },
    retryNow: () => void retry(),
  };
}
