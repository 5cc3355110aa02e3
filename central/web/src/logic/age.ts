/** How long, in words: pure functions from seconds to text. */

export type Language = "zh" | "en";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const two = (number: number): string => String(number).padStart(2, "0");

/** Age of a value: `12 s`, `7 min`, `2 h 14 min` below 48 h, then `3 天 4 h`. Never negative. */
export function formatAge(seconds: number, language: Language): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < 2 * DAY) {
    const minutes = Math.floor((whole % HOUR) / MINUTE);
    return minutes ? `${Math.floor(whole / HOUR)} h ${minutes} min` : `${Math.floor(whole / HOUR)} h`;
  }
  const hours = Math.floor((whole % DAY) / HOUR);
  const days = `${Math.floor(whole / DAY)} ${language === "zh" ? "天" : "d"}`;
  return hours ? `${days} ${hours} h` : days;
}

/** How long an alarm has lasted, to the second below an hour: `3 分 12 秒`, `2 小时 08 分`, `2 天 4 小时`. */
export function formatLasting(seconds: number, language: Language): string {
  const whole = Math.max(0, Math.floor(seconds));
  const words = language === "zh" ? ["分", "秒", "小时", "天"] : ["min", "s", "h", "d"];
  const [minute, second, hour, day] = words as [string, string, string, string];
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} ${minute} ${two(whole % MINUTE)} ${second}`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} ${hour} ${two(Math.floor((whole % HOUR) / MINUTE))} ${minute}`;
  return `${Math.floor(whole / DAY)} ${day} ${Math.floor((whole % DAY) / HOUR)} ${hour}`;
}
