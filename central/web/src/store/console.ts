/** The page's one store: everything keyed by id, so that a row repaints alone. Provided by the App. */

import { type ComputedRef, type InjectionKey, computed, inject, reactive, ref } from "vue";
import * as calls from "../api/calls";
import * as alarmCalls from "../api/alarmCalls";
import { ApiError } from "../api/client";
import type { Backfill, Cable, Episode, Flood, Gateway, Latest, Overview, Point, RuleOverlay, Session, Site } from "../api/types";
import { KEPT, withBackfill } from "../logic/backfills";
import { listenMeanwhile } from "../logic/meanwhile";
import { gatewayOrder, isListed, isOpen, worstFirst, worstUnacknowledged } from "../logic/order";
import { type PageClock, startClock } from "./clock";
import { type Link, openLink } from "./link";

const OPEN_LIMIT = 500;
const MAY_ACKNOWLEDGE = ["operator", "engineer", "administrator"];

export interface State {
  session: Session | null;
  overview: Overview | null;
  gateways: Record<string, Gateway>;
  points: Record<string, Point>;
  latest: Record<string, Latest>;
  episodes: Record<string, Episode>;
  /** all open alarms there are; more than `episodes` holds when the list was cut */
  openTotal: number;
  /** the last open alarm of what was read at once; what is less urgent is not all here. null: all are */
  horizon: Episode | null;
  /** how often everything was read anew: lists of their own then begin anew too */
  read: number;
  /** the collector's time of the last such reading, ms */
  readAt: number;
  /** rules that are shelved, suppressed or out of service, by their id */
  overlays: Record<string, RuleOverlay>;
  /** what is silent, by id: never among the alarms, and counted apart */
  faults: Record<string, Episode>;
  flood: Flood | null;
  /** what gateways delivered late, newest first: told once each, never calling */
  backfills: readonly Backfill[];
  sites: Record<string, boolean>;
  cables: Cable[] | null;
  /** seconds from commit to this page, as last seen */
  delay: number | null;
  /** newest red alarm to speak of, for the live region */
  spoken: Episode | null;
}

export interface Console {
  state: State;
  clock: PageClock;
  link: Link;
  open: ComputedRef<Episode[]>;
  worst: ComputedRef<Episode | null>;
  gateways: ComputedRef<Gateway[]>;
  live: ComputedRef<boolean>;
  mayAcknowledge: ComputedRef<boolean>;
  enter(session: Session): void;
  leave(): void;
  refresh(signal?: AbortSignal): Promise<void>;
  loadSite(site: string, signal?: AbortSignal): Promise<void>;
  acknowledge(id: string, comment: string): Promise<Episode>;
  /** Take an alarm an act changed. */
  take(episode: Episode): void;
  /** Take what a list read; what the stream told of the same alarms is newer and stays. */
  keep(episodes: readonly Episode[]): void;
  lay(overlay: RuleOverlay): void;
  setCable(gateway: string, connected: boolean): Promise<void>;
  site(name: string | null): Site | undefined;
}

const KEY: InjectionKey<Console> = Symbol("console");
export { KEY as consoleKey };

export function useConsole(): Console {
  const found = inject(KEY);
  if (!found) throw new Error("no console provided");
  return found;
}

const empty = (): State => ({
  session: null,
  overview: null,
  gateways: {},
  points: {},
  latest: {},
  episodes: {},
  openTotal: 0,
  horizon: null,
  read: 0,
  readAt: 0,
  overlays: {},
  faults: {},
  flood: null,
  backfills: [],
  sites: {},
  cables: null,
  delay: null,
  spoken: null,
});

const keyed = <T>(items: T[], key: (item: T) => string): Record<string, T> =>
  Object.fromEntries(items.map((item) => [key(item), item]));

export function createConsole(onExpired: () => void): Console {
  const state = reactive<State>(empty());
  const clock = startClock();
  const ready = ref(false);
  const { hear, read } = listenMeanwhile();

  const link = openLink(clock, {
    caughtUp: async () => {
      await refresh();
      await Promise.all(Object.keys(state.sites).map((site) => loadSite(site)));
      ready.value = true;
    },
    expired: onExpired,
    values: hear((values) => take(state, clock, values)),
    alarm: hear((episode) => takeEpisode(state, episode)),
    overlay: hear((overlay) => void takeOverlay(state, overlay)),
    fault: hear((item) => takeFault(state, item)),
    flood: hear((flood) => (state.flood = flood)),
    backfill: hear((delivered) => (state.backfills = withBackfill(state.backfills, delivered))),
    gateway: hear((gateway) => {
      state.gateways[gateway.name] = gateway;
      // the story pulls cables too; without an answer the banner already says why
      if (state.cables) readCables().then((cables) => (state.cables = cables), () => undefined);
    }),
    overview: hear((overview) => (state.overview = overview)),
  });

  async function refresh(signal?: AbortSignal): Promise<void> {
    await read(
      () =>
        Promise.all([
          calls.overview(signal),
          calls.gateways(signal),
          alarmCalls.alarms({ state: "open", limit: OPEN_LIMIT }, signal),
          alarmCalls.overlays(signal),
          alarmCalls.faults(signal),
          alarmCalls.flood(signal),
          alarmCalls.backfills({ limit: KEPT }, signal),
        ]),
      ([overview, gateways, page, overlays, faults, flood, backfills]) => {
        state.overview = overview;
        state.gateways = keyed(gateways, (gateway) => gateway.name);
        state.episodes = keyed(page.items, (episode) => episode.id);
        state.openTotal = page.total;
        state.horizon = page.next ? (page.items.at(-1) ?? null) : null;
        state.overlays = keyed(overlays, (overlay) => overlay.rule);
        state.faults = keyed(faults, (item) => item.id);
        state.flood = flood;
        state.backfills = backfills;
        state.read += 1;
        state.readAt = clock.instant();
      },
    );
    if (state.session?.clock.story) state.cables = await readCables();
  }

  async function loadSite(site: string, signal?: AbortSignal): Promise<void> {
    await read(
      () => Promise.all([calls.points(site, signal), calls.latest(site, signal)]),
      ([points, latest]) => {
        for (const point of points) state.points[point.id] = point;
        for (const item of latest) state.latest[item.point] = item;
        state.sites[site] = true;
      },
    );
  }

  const store: Console = {
    state,
    clock,
    link,
    open: computed(() => Object.values(state.episodes).filter(isListed).sort(worstFirst)),
    worst: computed(() => worstUnacknowledged(Object.values(state.episodes))),
    gateways: computed(() => Object.values(state.gateways).sort(gatewayOrder)),
    live: computed(() => link.state.value === "live" && ready.value),
    mayAcknowledge: computed(() => !!state.session?.person.roles.some((role) => MAY_ACKNOWLEDGE.includes(role))),
    enter(session) {
      state.session = session;
      clock.report(session.clock);
      link.start();
    },
    leave() {
      link.stop();
      ready.value = false;
      Object.assign(state, empty());
    },
    refresh,
    loadSite,
    async acknowledge(id, comment) {
      const episode = await alarmCalls.send<Episode>(alarmCalls.act(id, "acknowledge", { comment }));
      store.take(episode);
      return episode;
    },
    take: (episode) => (episode.fault ? takeFault(state, episode) : takeEpisode(state, episode)),
    keep: (episodes) => {
      for (const episode of episodes) state.episodes[episode.id] ??= episode;
    },
    lay: (overlay) => void takeOverlay(state, overlay),
    async setCable(gateway, connected) {
      await calls.setCable(gateway, connected);
      state.cables = await readCables();
    },
    site: (name) => state.overview?.sites.find((site) => site.name === name),
  };
  return store;
}

async function readCables(): Promise<Cable[] | null> {
  try {
    return (await calls.demo()).cables;
  } catch (error) {
    if (error instanceof ApiError) return null; // not a demonstration, or not for this person
    throw error;
  }
}

function take(state: State, clock: PageClock, values: Latest[]): void {
  let newest = 0;
  for (const item of values) {
    const before = state.latest[item.point];
    state.latest[item.point] = item;
    // What the page did not know yet may be hours old: only what came since says how long the way is.
    if (before && item.received_time && item.received_time !== before.received_time) newest = Math.max(newest, Date.parse(item.received_time));
  }
  const factor = clock.at.value?.factor ?? 1;
  if (newest) state.delay = Math.max(0, clock.instant() - newest) / 1000 / factor;
}

function takeEpisode(state: State, episode: Episode, counted = false): void {
  const before = state.episodes[episode.id];
  // one that is told for the first time was counted all the same if it is older than what was read
  const beyond = !before && !counted && state.horizon !== null && !episode.late && Date.parse(episode.raised) < state.readAt;
  const [listed, was] = [isListed(episode), beyond || (!!before && isListed(before))];
  const turnedRed = episode.level.colour === "red" && before?.level.colour !== "red";
  // what backfill tells of the past is not called out; an alarm that now rises to red is
  if (turnedRed && episode.state === "UNACK" && (before || !episode.late) && listed) state.spoken = episode;
  state.openTotal += Number(listed) - Number(was);
  // the answer to an act comes without the sentence; the stream brings the next one
  state.episodes[episode.id] = episode.message === null && before ? { ...episode, message: before.message } : episode;
}

function takeFault(state: State, item: Episode): void {
  if (isOpen(item.state)) state.faults[item.id] = item.message === null ? { ...item, message: state.faults[item.id]?.message ?? null } : item;
  else delete state.faults[item.id];
}

/** What lies over a rule changed: its alarms leave the open list, or come back to it. */
async function takeOverlay(state: State, overlay: RuleOverlay): Promise<void> {
  if (overlay.layers.length) state.overlays[overlay.rule] = overlay;
  else delete state.overlays[overlay.rule];
  for (const item of Object.values(state.faults)) if (item.rule === overlay.rule) state.faults[item.id] = { ...item, overlays: overlay.layers };
  const known = Object.values(state.episodes).filter((episode) => episode.rule === overlay.rule && isOpen(episode.state));
  for (const episode of known) takeEpisode(state, { ...episode, overlays: overlay.layers });
  if (overlay.layers.length || known.length) return;
  try {
    // it was under an overlay when everything was read, so it is not here: what stands now comes back
    const page = await alarmCalls.alarms({ state: "open", rule: overlay.rule, limit: 1 });
    for (const episode of page.items) if (!state.episodes[episode.id]) takeEpisode(state, episode, true);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // the next reading of everything brings it
  }
}
