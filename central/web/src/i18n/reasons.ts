/** Words for the short codes that stand inside other sentences: why data was given up, what is wrong with a medium or a clock. */

import { i18n } from "./index";

/** The word of a reason's code, or the code itself where there is none: a newer gateway's is shown, not hidden. */
export function reasonWord(code: string): string {
  for (const kind of ["drop", "fault", "clock", "store"]) {
    const key = `health.${kind}.${code.replaceAll(" ", "_")}`;
    if (/^[\w ]+$/.test(code) && i18n.global.te(key)) return i18n.global.t(key);
  }
  return code;
}
