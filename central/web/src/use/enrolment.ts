/** Keys, codes, held starts and virtual gateways, read anew every few seconds while the page is looked at. */

import { computed, onScopeDispose, ref, shallowRef } from "vue";
import * as calls from "../api/calls";
import { ApiError } from "../api/client";
import type { EnrolmentPicture, VirtualGateway } from "../api/types";
import { useConsole } from "../store/console";
import { useLoad } from "./load";

const EVERY = 3_000;

export function useEnrolment() {
  const { state, clock, refresh } = useConsole();
  const picture = shallowRef<EnrolmentPicture | null>(null);
  const systems = shallowRef<VirtualGateway[]>([]);
  /** the collector's time when reading last failed, 0 while it goes well */
  const failedAt = ref(0);
  const readAt = ref(0);
  /** monotonic ms of the collector's own time `now` */
  let heard = 0;

  async function read(signal?: AbortSignal): Promise<void> {
    const [found, virtual] = await Promise.all([calls.enrolment(signal), calls.virtualGateways(signal)]);
    heard = performance.now();
    const named = [...found.keys, ...found.codes].some((item) => !state.gateways[item.gateway]);
    if (!state.overview || named || virtual.some((item) => !state.gateways[item.name])) await refresh(signal);
    picture.value = found;
    systems.value = virtual;
    failedAt.value = 0;
    readAt.value = clock.now.value;
  }
  const load = useLoad(read);

  /** Read now, after something was done; a failure is said by the list itself. */
  async function again(): Promise<void> {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failedAt.value ||= clock.now.value;
    }
  }
  const timer = window.setInterval(() => {
    if (!document.hidden && picture.value && !busy) void poll();
  }, EVERY);
  let busy = false;
  async function poll(): Promise<void> {
    busy = true;
    await again();
    busy = false;
  }
  onScopeDispose(() => window.clearInterval(timer));

  /** The collector's own time in ms: enrolment does not go by a demonstration's story. */
  const now = computed(() => (picture.value ? Date.parse(picture.value.now) + Math.max(0, clock.local.value - heard) : Date.now()));
  return { load, picture, systems, failedAt, readAt, now, again };
}

/** An act with its refusal in words: one at a time. */
export function useAct(said: (error: ApiError) => string) {
  const busy = ref(false);
  const refused = ref("");
  async function act<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (busy.value) return undefined;
    busy.value = true;
    refused.value = "";
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refused.value = said(error);
      return undefined;
    } finally {
      busy.value = false;
    }
  }
  return { busy, refused, act };
}
