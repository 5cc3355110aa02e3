/** A list that is walked by keys: J K and the arrows show the row below or above the one shown, Esc closes it. */

import { isControl, useKeys } from "./keys";

export interface Rows<T> {
  items: () => readonly T[];
  isShown: (item: T) => boolean;
  show: (item: T) => void;
  /** Whether the keys are the list's now; a form beside it has its own. */
  listens?: () => boolean;
  close?: () => void;
}

export function useRows<T>({ items, isShown, show, listens = () => true, close }: Rows<T>): void {
  function move(step: number): void {
    const all = items();
    const next = all[Math.min(all.length - 1, Math.max(0, all.findIndex(isShown) + step))];
    if (next && listens()) show(next);
  }
  const arrow = (step: number) => (event: KeyboardEvent) => {
    if (isControl(event)) return;
    event.preventDefault();
    move(step);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: arrow(1),
    ArrowUp: arrow(-1),
    ...(close ? { Escape: close } : {}),
  });
}
