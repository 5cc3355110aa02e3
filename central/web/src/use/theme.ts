/** Light or dark: the system's until the person chooses; canvas colours as plain strings. */

import { type ComputedRef, computed, ref } from "vue";

export type ThemeChoice = "system" | "light" | "dark";

const KEY = "fengsui.theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const systemDark = ref(system.matches);
const choice = ref<ThemeChoice>(stored());

function stored(): ThemeChoice {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system"; // storage may be forbidden; then each visit follows the system
  }
}

const theme = computed(() => (choice.value === "system" ? (systemDark.value ? "dark" : "light") : choice.value));

function apply(): void {
  document.documentElement.dataset["theme"] = theme.value;
}

system.addEventListener("change", (event) => {
  systemDark.value = event.matches;
  apply();
});

export function setTheme(to: ThemeChoice): void {
  choice.value = to;
  apply();
  try {
    if (to === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, to);
  } catch {
    return; // the choice then lasts for this page only
  }
}

const NAMES = ["ink", "ink-2", "ink-3", "ink-faint", "line", "surface", "blind-ink", "blind-edge"] as const;
const LEVELS = ["red", "orange", "yellow", "blue"] as const;
const PARTS = ["fill", "edge", "ink", "tint"] as const;
type Colours = Record<(typeof NAMES)[number] | `${(typeof LEVELS)[number]}-${(typeof PARTS)[number]}` | "series-1", string>;

/** The tokens a canvas needs, read once per theme change. */
const colours = computed<Colours>(() => {
  document.documentElement.dataset["theme"] = theme.value;
  const style = getComputedStyle(document.documentElement);
  const names = [...NAMES, "series-1", ...LEVELS.flatMap((level) => PARTS.map((part) => `${level}-${part}`))];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Colours;
});

export function useTheme(): {
  choice: typeof choice;
  theme: ComputedRef<"light" | "dark">;
  colours: ComputedRef<Colours>;
} {
  return { choice, theme, colours };
}
