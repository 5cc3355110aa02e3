/** Open alarms counted by one key (region, domain, site) and level, worst row first. */

import type { LevelCounts, Site } from "../api/types";
import { moreFirst } from "./order";

export interface MatrixRow {
  key: string;
  levels: LevelCounts;
  open: number;
  unacknowledged: number;
  blind: number;
  sites: number;
}

const none = (key: string): MatrixRow => ({
  key,
  levels: { red: 0, orange: 0, yellow: 0, blue: 0 },
  open: 0,
  unacknowledged: 0,
  blind: 0,
  sites: 0,
});

function add(row: MatrixRow, site: Site): void {
  row.levels.red += site.levels.red;
  row.levels.orange += site.levels.orange;
  row.levels.yellow += site.levels.yellow;
  row.levels.blue += site.levels.blue;
  row.open += site.open;
  row.unacknowledged += site.unacknowledged;
  row.blind += site.blind ? 1 : 0;
  row.sites += 1;
}

/** Count the sites by `key`; sites without one are counted under the empty key. */
export function matrix(sites: Site[], key: (site: Site) => string | null): MatrixRow[] {
  const rows = new Map<string, MatrixRow>();
  for (const site of sites) {
    const name = key(site) ?? "";
    const row = rows.get(name) ?? none(name);
    add(row, site);
    rows.set(name, row);
  }
  return [...rows.values()].sort(
    (a, b) => moreFirst(a.levels, b.levels) || b.blind - a.blind || (a.key < b.key ? -1 : 1),
  );
}

/** The sum of all sites. */
export function total(sites: Site[]): MatrixRow {
  const row = none("");
  for (const site of sites) add(row, site);
  return row;
}
