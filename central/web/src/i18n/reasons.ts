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

/** Why a piece of the store cannot be read, in words; a reason of the codec alone stands behind them, for whoever looks into it. */
export function storeReason(reason: string): string {
  const word = reasonWord(reason);
  if (word !== reason) return word;
  const row = /^row (\d+): (.+)$/.exec(reason);
  if (row) return i18n.global.t("system.store.inRow", { row: row[1] ?? "", reason: storeReason(row[2] ?? "") });
  return i18n.global.t("system.store.spoilt", { reason });
}

/** Where a piece of the store belongs: a page of newest values, a stream nobody knows any more, or a device as it is named. */
export function pieceWord(what: string): string {
  const [, kind = "", page = ""] = /^head\/(\w+)\/(\d+)$/.exec(what) ?? [];
  if (kind) {
    const key = `system.store.head.${kind}`;
    return i18n.global.t("system.store.headPage", { kind: i18n.global.te(key) ? i18n.global.t(key) : kind, page });
  }
  const [, stream] = /^#(\d+)$/.exec(what) ?? [];
  return stream ? i18n.global.t("system.store.stream", { stream }) : what;
}
