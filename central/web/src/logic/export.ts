/** What to export: times of a form, and the file's name in words. */

const HOUR = 3_600_000;
export const SPANS = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR, month: 30 * 24 * HOUR } as const;
export type Span = keyof typeof SPANS | "own";

const FIELD = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/;

/** The times asked for as RFC 3339, or null when the end does not lie after the beginning; fields are China time. */
export function times(span: Span, from: string, to: string, now: number): { from: string; to: string } | null {
  if (span !== "own") return { from: new Date(now - SPANS[span]).toISOString(), to: new Date(now).toISOString() };
  if (!FIELD.test(from) || !FIELD.test(to) || from >= to) return null;
  return { from: `${from}:00+08:00`, to: `${to}:00+08:00` };
}
