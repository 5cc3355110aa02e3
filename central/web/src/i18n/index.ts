/** Two languages, switched in one click without a reload; the choice is kept on this machine. */

import { createI18n } from "vue-i18n";
import type { Label } from "../api/types";
import type { Language } from "../logic/age";
import en from "./en";
import { DOMAINS, REGIONS } from "./places";
import zh from "./zh";

const KEY = "fengsui.language";

export const i18n = createI18n({
  legacy: false,
  locale: stored(),
  fallbackLocale: "zh",
  messages: { zh, en },
});

function stored(): Language {
  try {
    const kept = localStorage.getItem(KEY);
    if (kept === "zh" || kept === "en") return kept;
  } catch {
    return "zh"; // storage may be forbidden; the page then starts in Chinese each time
  }
  return "zh";
}

export const language = (): Language => i18n.global.locale.value as Language;

/** Switch the language of everything on the page, keeping its state. */
export function setLanguage(to: Language): void {
  i18n.global.locale.value = to;
  document.documentElement.lang = to === "zh" ? "zh-CN" : "en";
  try {
    localStorage.setItem(KEY, to);
  } catch {
    return; // the choice then lasts for this page only
  }
}

/** A name given by the site: Chinese unless the name itself has an English form. */
export function nameOf(label: Label, otherwise = ""): string {
  if (label === null || label === undefined) return otherwise;
  if (typeof label === "string") return label || otherwise;
  return (language() === "en" && label.en ? label.en : label.zh) || otherwise;
}

export const regionName = (code: string | null): string => (code ? (REGIONS[code]?.[language()] ?? code) : "");
export const domainName = (key: string | null): string => (key ? (DOMAINS[key]?.[language()] ?? key) : "");
