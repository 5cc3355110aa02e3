/** What a site's points became: from the stream's columns to one reading each. Pure functions. */

import type { Latest, SiteValues } from "../api/types";

/** Each place's cell of a column told in runs. */
function* cells<T>(runs: { of: T[]; count: number[] }): Generator<T, undefined> {
  for (const [run, cell] of runs.of.entries()) {
    for (let left = runs.count[run] ?? 0; left > 0; left -= 1) yield cell;
  }
  return undefined;
}

/** One reading for each place; places that a column does not reach are left out. */
export function readings(told: SiteValues): Latest[] {
  const [marks, sources, receipts] = [cells(told.mark), cells(told.source_time), cells(told.received_time)];
  const found: Latest[] = [];
  for (const [place, point] of told.point.entries()) {
    const [mark, source_time, received_time] = [marks.next().value, sources.next().value, receipts.next().value];
    const value = told.value[place];
    if (value === undefined || !mark || !source_time || !received_time) break;
    found.push({ point, value, ...mark, source_time, received_time });
  }
  return found;
}
