/** Worst first, everywhere: level, then unacknowledged, then newest. */

import type { AlarmState, Colour, Episode, Gateway, LevelCounts } from "../api/types";
import { gatewayGrade } from "./buffer";

export const COLOURS: readonly Colour[] = ["red", "orange", "yellow", "blue"];

const rank = (colour: Colour): number => COLOURS.indexOf(colour);

export const isOpen = (state: AlarmState): boolean => state !== "NORMAL";
export const isUnacknowledged = (state: AlarmState): boolean => state === "UNACK" || state === "RTN_UNACK" || state === "LATCHED_UNACK";

/** Order of two alarms; equal only for the same alarm. */
export function worstFirst(a: Episode, b: Episode): number {
  return (
    rank(a.level.colour) - rank(b.level.colour) ||
    Number(isUnacknowledged(b.state)) - Number(isUnacknowledged(a.state)) ||
    Date.parse(b.raised) - Date.parse(a.raised) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** The order of the collector's list of open alarms: not yet acknowledged, level, newest. */
export function urgentFirst(a: Episode, b: Episode): number {
  return (
    Number(isUnacknowledged(b.state)) - Number(isUnacknowledged(a.state)) ||
    rank(a.level.colour) - rank(b.level.colour) ||
    Date.parse(b.raised) - Date.parse(a.raised) ||
    (a.id > b.id ? -1 : a.id < b.id ? 1 : 0)
  );
}

/** Whether it is in the list of open alarms: it stands, and nothing lies over its rule. */
export const isListed = (episode: Episode): boolean => isOpen(episode.state) && episode.overlays.length === 0;

/** Whether what it is judged by is no single point: its value is a count or a verdict, without unit and age. */
export const isOfObject = (episode: Pick<Episode, "rule" | "point">): boolean => episode.rule.slice(0, episode.rule.lastIndexOf(":")) !== episode.point;

const PLAIN = new Set(["high", "low", "state"]);
/** Whether its limit is one of the value itself, and not of a rate, a sum or a count: then both can stand side by side. */
export const isPlain = (episode: Pick<Episode, "rule" | "point">): boolean => !isOfObject(episode) && PLAIN.has(episode.rule.slice(episode.rule.lastIndexOf(":") + 1));

/** Order of two counted rows (sites, regions): the first level in which they differ decides. */
export function moreFirst(a: LevelCounts, b: LevelCounts): number {
  for (const colour of COLOURS) if (a[colour] !== b[colour]) return b[colour] - a[colour];
  return 0;
}

/** Where a gateway stands: offline, then in contact with something wrong by its level, then never seen, then well. */
function place(gateway: Gateway): number {
  const grade = gatewayGrade(gateway);
  if (gateway.state === "offline") return 0;
  if (grade) return 1 + rank(grade);
  return gateway.state === "never" ? 1 + COLOURS.length : 2 + COLOURS.length;
}

/** Offline longest first, then the worst in contact, then never seen, then the largest backlog. */
export function gatewayOrder(a: Gateway, b: Gateway): number {
  return (
    place(a) - place(b) ||
    (a.offline_since ?? "").localeCompare(b.offline_since ?? "") ||
    (b.backlog?.readings ?? 0) - (a.backlog?.readings ?? 0) ||
    (a.name < b.name ? -1 : 1)
  );
}

/** The alarm everybody must see: the worst unacknowledged one. No test or drill stands before a real one. */
export function worstUnacknowledged(episodes: Iterable<Episode>): Episode | null {
  let worst: Episode | null = null;
  for (const episode of episodes) {
    if (isUnacknowledged(episode.state) && episode.overlays.length === 0 && (!worst || (realFirst(episode, worst) || worstFirst(episode, worst)) < 0)) worst = episode;
  }
  return worst;
}

/** How many red and orange ones nobody acknowledged, tests and drills apart, and the worst of their colours. */
export function unseenWorst(episodes: readonly Episode[]): { count: number; colour: Colour } {
  const found = episodes.filter((episode) => isListed(episode) && isUnacknowledged(episode.state) && !isDrill(episode) && rank(episode.level.colour) <= 1);
  return { count: found.length, colour: found.some((episode) => episode.level.colour === "red") ? "red" : "orange" };
}

/** Whether this is a test or a drill: shown and marked, counted nowhere. */
export function isDrill(episode: Episode): boolean {
  return episode.purpose !== "production";
}

function realFirst(a: Episode, b: Episode): number {
  return Number(isDrill(a)) - Number(isDrill(b));
}
