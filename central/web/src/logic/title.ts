/** The title of an alarm: what is measured, then which level, without saying the same words twice. */

const LEAST = 2;

/** Join `label` and `level`; where the level begins with the label's last words they are said once. */
export function joinTitle(label: string, level: string): string {
  for (let length = Math.min(label.length, level.length); length >= LEAST; length -= 1) {
    if (label.endsWith(level.slice(0, length))) return `${label}${level.slice(length)}`;
  }
  return `${label} ${level}`;
}
