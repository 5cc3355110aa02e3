/** Where names fit on the map: greedy, in the given order of importance, never over another thing. */

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Named {
  key: string;
  text: string;
  x: number;
  y: number;
  /** half the size of the symbol the name belongs to */
  radius: number;
  /** letters further apart, as region names are */
  wide?: boolean;
  /** name it even where it covers something */
  always?: boolean;
}

export interface Placed {
  key: string;
  text: string;
  x: number;
  y: number;
  anchor: "start" | "end" | "middle";
}

const HEIGHT = 16;
const GAP = 5;

/** Width of a 13 px text: CJK letters are square, the rest about half. */
export function textWidth(text: string, wide = false): number {
  let width = 0;
  for (const letter of text) width += (letter.charCodeAt(0) > 0x2e80 ? 13 : 7) + (wide ? 3 : 0);
  return width;
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

function candidates(item: Named, width: number): { box: Box; anchor: Placed["anchor"]; x: number; y: number }[] {
  const right = item.x + item.radius + GAP;
  const left = item.x - item.radius - GAP;
  const below = item.y + item.radius + HEIGHT;
  const above = item.y - item.radius - GAP;
  const at = (x: number, baseline: number, anchor: Placed["anchor"]) => {
    const from = anchor === "start" ? x : anchor === "end" ? x - width : x - width / 2;
    return { box: { x: from, y: baseline - HEIGHT + 4, width, height: HEIGHT }, anchor, x, y: baseline };
  };
  return [
    at(right, item.y + 5, "start"),
    at(left, item.y + 5, "end"),
    at(item.x, below, "middle"),
    at(item.x, above, "middle"),
  ];
}

/** Place the names inside `width` x `height`; `taken` are boxes nothing may cover. */
export function placeLabels(items: Named[], taken: Box[], width: number, height: number): Placed[] {
  const used = [...taken];
  const placed: Placed[] = [];
  for (const item of items) {
    const options = candidates(item, textWidth(item.text, item.wide));
    const inside = options.filter(
      ({ box }) => box.x >= 2 && box.y >= 2 && box.x + box.width <= width - 2 && box.y + box.height <= height - 2,
    );
    const free = inside.find(({ box }) => !used.some((other) => overlap(box, other)));
    const chosen = free ?? (item.always ? (inside[0] ?? options[0]) : undefined);
    if (!chosen) continue;
    used.push(chosen.box);
    placed.push({ key: item.key, text: item.text, x: chosen.x, y: chosen.y, anchor: chosen.anchor });
  }
  return placed;
}
