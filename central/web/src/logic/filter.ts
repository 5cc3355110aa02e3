/** Which alarms and points a filter lets through. */

import type { Episode, Label, Latest, Point, Site } from "../api/types";
import { isUnacknowledged } from "./order";
import { look } from "./quality";

export interface AlarmFilter {
  state: string;
  level: string;
  site: string;
  region: string;
  domain: string;
  purpose: string;
  verification: string;
  late: string;
  q: string;
}
export const NO_FILTER: Omit<AlarmFilter, "state"> = { level: "", site: "", region: "", domain: "", purpose: "", verification: "", late: "", q: "" };

/** How many things are chosen besides the view. */
export const chosenOf = (filter: AlarmFilter): number => Object.keys(NO_FILTER).filter((key) => filter[key as keyof AlarmFilter] !== "").length;
/** Whether anything but the view is chosen. */
export const isFiltered = (filter: AlarmFilter): boolean => chosenOf(filter) > 0;

const texts = (label: Label): string[] => {
  if (!label) return [];
  return typeof label === "string" ? [label] : [label.zh, label.en ?? ""];
};
const holds = (words: string[], q: string): boolean => {
  const wanted = q.toLowerCase();
  return words.some((word) => word.toLowerCase().includes(wanted));
};

/** Names of the sites a filter by site, region and domain means; null when it means all. */
export function filteredSites(filter: AlarmFilter, sites: Site[]): Set<string> | null {
  if (!filter.site && !filter.region && !filter.domain) return null;
  const found = sites.filter(
    (site) =>
      (!filter.site || site.name === filter.site) &&
      (!filter.region || site.region === filter.region) &&
      (!filter.domain || site.domain === filter.domain),
  );
  return new Set(found.map((site) => site.name));
}

export function filterAlarms(episodes: Episode[], filter: AlarmFilter, sites: Site[]): Episode[] {
  const names = filteredSites(filter, sites);
  return episodes.filter(
    (episode) =>
      (filter.state !== "unacknowledged" || isUnacknowledged(episode.state)) &&
      (!filter.level || episode.level.colour === filter.level) &&
      (!filter.purpose || episode.purpose === filter.purpose) &&
      (!filter.late || String(episode.late) === filter.late) &&
      (!names || names.has(episode.site)) &&
      (!filter.q ||
        holds([...texts(episode.label), ...texts(episode.site_label), ...texts(episode.object_label), ...texts(episode.device_label), episode.point, episode.id], filter.q)),
  );
}

/** Points whose name, device or object holds `q`; with `only`, those that are not plainly good. */
export function filterPoints(points: Point[], latest: Record<string, Latest>, q: string, only: boolean, now: number): Point[] {
  return points.filter((point) => {
    if (q && !holds([...texts(point.label), ...texts(point.device_label), ...texts(point.object_label), point.id], q)) return false;
    if (!only) return true;
    const seen = look(latest[point.id], point, now);
    return seen !== "good" && seen !== "late";
  });
}
