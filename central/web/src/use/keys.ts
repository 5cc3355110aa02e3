/** Single-key commands: the newest listener on screen that knows the key gets it. */

import { onScopeDispose, ref } from "vue";

type Act = (event: KeyboardEvent) => void;
export type KeyMap = Record<string, Act>;

const KEY = "fengsui.keys";
const stack: KeyMap[] = [];
export const keysOn = ref(stored());

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true; // storage may be forbidden; keys are on then
  }
}

export function setKeys(on: boolean): void {
  keysOn.value = on;
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    return; // the choice then lasts for this page only
  }
}

const ALWAYS = new Set(["Escape", "ArrowDown", "ArrowUp"]);

function typing(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return !!target?.closest("input, textarea, select, [contenteditable], [role='combobox']");
}

/** A dialog that was closed stays in the page, unseen. */
function inDialog(): boolean {
  return [...document.querySelectorAll(".el-overlay [role='dialog']")].some((dialog) => dialog.getClientRects().length > 0);
}

function pressed(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (inDialog() && event.key !== "Escape") return;
  if (typing(event) && event.key !== "Escape") return;
  if (!keysOn.value && !ALWAYS.has(event.key)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const map = stack.findLast((candidate) => key in candidate);
  if (map) map[key]?.(event);
}

/** Listen while the calling component lives; an inner component comes before the one around it. */
export function useKeys(map: KeyMap): void {
  if (stack.length === 0) window.addEventListener("keydown", pressed);
  stack.push(map);
  onScopeDispose(() => {
    stack.splice(stack.indexOf(map), 1);
    if (stack.length === 0) window.removeEventListener("keydown", pressed);
  });
}

/** Whether Enter on this element already does something of its own. */
export const isControl = (event: KeyboardEvent): boolean =>
  !!(event.target as HTMLElement | null)?.closest("a, button, summary");
