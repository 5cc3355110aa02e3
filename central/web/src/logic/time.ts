/** Moments as people read them, in China Standard Time (UTC+8) wherever the browser is. */

const OFFSET = 8 * 3600 * 1000;
const two = (number: number): string => String(number).padStart(2, "0");
const shifted = (ms: number): Date => new Date(ms + OFFSET);

/** `14:26:37` */
export function clockTime(ms: number): string {
  const at = shifted(ms);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

/** `14:26` */
export function hourMinute(ms: number): string {
  return clockTime(ms).slice(0, 5);
}

/** `07-18`, with the year in front when it is not `now`'s: `2025-07-18`. */
export function day(ms: number, now: number): string {
  const at = shifted(ms);
  const text = `${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
  return at.getUTCFullYear() === shifted(now).getUTCFullYear() ? text : `${at.getUTCFullYear()}-${text}`;
}

/** 0 is Sunday. */
export function weekday(ms: number): number {
  return shifted(ms).getUTCDay();
}

/** `14:26:37` today, `07-17 14:26:37` on another day. */
export function moment(iso: string | null, now: number): string {
  const ms = iso ? Date.parse(iso) : Number.NaN;
  if (Number.isNaN(ms)) return "—";
  const sameDay = shifted(ms).toISOString().slice(0, 10) === shifted(now).toISOString().slice(0, 10);
  return sameDay ? clockTime(ms) : `${day(ms, now)} ${clockTime(ms)}`;
}

/** `2026-07-18 14:26:37.310 UTC+8`: everything, for titles. */
export function exact(iso: string): string {
  const at = shifted(Date.parse(iso));
  return `${at.toISOString().slice(0, 23).replace("T", " ")} UTC+8`;
}
