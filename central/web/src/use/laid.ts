/** The views of what lies over rules: each with the newest alarm of its rule, and the shelves that wait for a second person. */

import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";
import * as calls from "../api/alarmCalls";
import type { Episode, OverlayLayer, RuleOverlay, ShelfRequest } from "../api/types";
import { strongestOf } from "../logic/laid";
import { useConsole } from "../store/console";
import { useLoad } from "./load";

const NAMES = { shelved: ["SHELVED"], resting: ["OUT_OF_SERVICE", "SUPPRESSED"] } as const;
export type LaidView = keyof typeof NAMES;
const PAGE = 500;
const ASK_AGAIN = 15_000;

export interface LaidRow {
  overlay: RuleOverlay;
  layer: OverlayLayer;
  /** the newest alarm of the rule, where there ever was one */
  episode: Episode | undefined;
}

export function useLaid(view: () => LaidView) {
  const { state, loadSite } = useConsole();
  const episodes = shallowRef<Record<string, Episode>>({});
  const load = useLoad(async (signal) => {
    const states = view() === "shelved" ? (["shelved"] as const) : (["suppressed", "out_of_service"] as const);
    const pages = await Promise.all(states.map((each) => calls.alarms({ state: each, limit: PAGE }, signal)));
    const found: Record<string, Episode> = {};
    for (const page of pages) for (const episode of page.items) found[episode.rule] ??= episode;
    const sites = new Set(Object.values(state.overlays).filter((overlay) => !found[overlay.rule]).map((overlay) => overlay.site));
    await Promise.all([...sites].filter((site) => !state.sites[site]).map((site) => loadSite(site, signal)));
    episodes.value = found;
  });
  const rows = computed<LaidRow[]>(() => {
    const wanted: readonly string[] = NAMES[view()];
    return Object.values(state.overlays)
      .filter((overlay) => overlay.layers.some((layer) => wanted.includes(layer.name)))
      .map((overlay) => ({ overlay, layer: strongestOf(overlay.layers, wanted), episode: live(overlay.rule) }))
      .sort((a, b) => (a.layer.until ?? "9").localeCompare(b.layer.until ?? "9") || a.layer.since.localeCompare(b.layer.since));
  });
  function live(rule: string): Episode | undefined {
    const read = episodes.value[rule];
    return (read && state.episodes[read.id]) ?? read;
  }
  watch(() => [view(), state.read, Object.keys(state.overlays).sort().join(" ")], () => void load.run());
  return { rows, load };
}

/** Requests for a shelf; asked for anew while somebody looks, for the stream does not tell of them. */
export function useShelfRequests() {
  const { live } = useConsole();
  const items = ref<ShelfRequest[]>([]);
  const load = useLoad(async (signal) => {
    items.value = await calls.shelfRequests(signal);
  });
  const timer = window.setInterval(() => live.value && void load.run(), ASK_AGAIN);
  onScopeDispose(() => window.clearInterval(timer));
  const waiting = computed(() => items.value.filter((request) => request.decision === null));
  return { items, waiting, load };
}
