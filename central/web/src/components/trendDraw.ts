/** What uPlot does not draw itself: hatched gaps, the excursion, limit lines with their symbols. */

import type uPlot from "uplot";
import type { Colour } from "../api/types";
import type { Counted, Gap } from "../logic/trend";

export interface LimitLine {
  value: number;
  colour: Colour;
  text: string;
}

export interface Marks {
  gaps: Gap[];
  bad: number[];
  limits: LimitLine[];
  /** the alarm: from raise to return, or to the right edge */
  excursion: { from: number; to: number | null; colour: Colour; text: string } | null;
  gapText: (gap: Gap) => string;
  /** came late: a dotted band with a bracket; its time is an estimate: a dotted line at the foot */
  late: Counted[];
  estimated: Counted[];
  lateText: (span: Counted) => string;
  estimatedText: (span: Counted) => string;
  last: { time: number; value: number; text: string } | null;
}

type Colours = Record<string, string>;
const FONT = (ratio: number) => `${12 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
const HATCH_STEP = 6;

/** Under the line: the excursion's wash and the hatch of each gap. */
export function drawBelow(plot: uPlot, marks: Marks, colours: Colours): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  if (marks.excursion) {
    const from = plot.valToPos(marks.excursion.from, "x", true);
    const to = marks.excursion.to === null ? bbox.left + bbox.width : plot.valToPos(marks.excursion.to, "x", true);
    ctx.fillStyle = colours[`${marks.excursion.colour}-tint`] ?? "";
    ctx.fillRect(from, bbox.top, to - from, bbox.height);
    ctx.strokeStyle = colours[`${marks.excursion.colour}-edge`] ?? "";
    ctx.lineWidth = ratio;
    line(ctx, from, bbox.top, from, bbox.top + bbox.height);
  }
  for (const gap of marks.gaps) {
    hatch(ctx, plot.valToPos(gap.from, "x", true), plot.valToPos(gap.to, "x", true), bbox, colours["blind-edge"] ?? "", ratio);
  }
  for (const span of marks.late) dots(ctx, plot.valToPos(span.from, "x", true), plot.valToPos(span.to, "x", true), bbox, colours["ink-3"] ?? "", ratio);
  ctx.restore();
}

function hatch(ctx: CanvasRenderingContext2D, from: number, to: number, box: uPlot.BBox, colour: string, ratio: number): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(from, box.top, to - from, box.height);
  ctx.clip();
  ctx.globalAlpha = 0.4;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.2 * ratio;
  for (let x = from - box.height; x < to; x += HATCH_STEP * ratio) line(ctx, x, box.top + box.height, x + box.height, box.top);
  ctx.restore();
}

/** The ground of what came late: dots in rows, so that neither line nor words are hidden. */
function dots(ctx: CanvasRenderingContext2D, from: number, to: number, box: uPlot.BBox, colour: string, ratio: number): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(from, box.top, to - from, box.height);
  ctx.clip();
  ctx.globalAlpha = 0.55;
  ctx.fillStyle = colour;
  const step = 7 * ratio;
  for (let y = box.top + step; y < box.top + box.height; y += step)
    for (let x = Math.ceil(from / step) * step; x < to; x += step) ctx.fillRect(x, y, 1.4 * ratio, 1.4 * ratio);
  ctx.restore();
}

function line(ctx: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

/** Over the line: limits dashed with name and value at the right end, gap words on chips, bad readings at the foot. */
export function drawAbove(plot: uPlot, marks: Marks, colours: Colours): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const right = bbox.left + bbox.width;
  ctx.save();
  ctx.font = FONT(ratio);
  ctx.textBaseline = "middle";
  let above = Number.POSITIVE_INFINITY;
  for (const limit of [...marks.limits].sort((a, b) => a.value - b.value)) {
    const y = plot.valToPos(limit.value, "y", true);
    ctx.strokeStyle = colours[`${limit.colour}-edge`] ?? "";
    ctx.lineWidth = 1.5 * ratio;
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    line(ctx, bbox.left, y, right, y);
    ctx.setLineDash([]);
    const at = Math.min(y, above - 16 * ratio);
    above = at;
    symbol(ctx, limit.colour, right + 12 * ratio, at, 5 * ratio, colours, ratio);
    ctx.fillStyle = colours[`${limit.colour}-ink`] ?? "";
    ctx.textAlign = "left";
    ctx.fillText(limit.text, right + 21 * ratio, at);
  }
  let free = Number.NEGATIVE_INFINITY;
  const end = marks.last ? wordOf(ctx, plot, marks.last, ratio) : null;
  for (const gap of marks.gaps) {
    const half = ctx.measureText(marks.gapText(gap)).width / 2 + 4 * ratio;
    const middle = (plot.valToPos(gap.from, "x", true) + plot.valToPos(gap.to, "x", true)) / 2;
    if (middle - half < free) continue; // its hatch speaks; words never lie on words
    if (end && end.y < bbox.top + 25 * ratio && middle + half > end.left && middle - half < end.right) continue;
    free = Math.max(middle, bbox.left + half) + half;
    chip(ctx, marks.gapText(gap), middle, bbox.top + 9 * ratio, colours["blind-ink"] ?? "", colours["surface"] ?? "", bbox, ratio);
  }
  spans(ctx, plot, marks, colours, ratio);
  if (marks.excursion) {
    const at = plot.valToPos(marks.excursion.from, "x", true);
    chip(ctx, marks.excursion.text, at, bbox.top + bbox.height - 10 * ratio, colours[`${marks.excursion.colour}-ink`] ?? "", colours["surface"] ?? "", bbox, ratio);
  }
  if (marks.last) endOfLine(ctx, plot, marks.last, colours, ratio);
  ctx.strokeStyle = colours["ink-3"] ?? "";
  ctx.lineWidth = 1.5 * ratio;
  for (const time of marks.bad) cross(ctx, plot.valToPos(time, "x", true), bbox.top + bbox.height - 5 * ratio, 3 * ratio);
  ctx.restore();
}

/** Brackets over what came late, a dotted line under what has an estimated time, each with its words where there is room. */
function spans(ctx: CanvasRenderingContext2D, plot: uPlot, marks: Marks, colours: Colours, ratio: number): void {
  const { bbox } = plot;
  const ends = (span: Counted) => [plot.valToPos(span.from, "x", true), plot.valToPos(span.to, "x", true)] as const;
  const within = (x: number) => Math.min(Math.max(x, bbox.left), bbox.left + bbox.width);
  ctx.strokeStyle = colours["ink-2"] ?? "";
  ctx.lineWidth = 1.5 * ratio;
  const words: [string, number, number][] = [];
  const lines = marks.limits.map((limit) => plot.valToPos(limit.value, "y", true));
  const top = clearOf(lines, bbox.top + 24 * ratio, 13 * ratio);
  for (const span of marks.late) {
    const [from, to] = ends(span).map(within) as [number, number];
    line(ctx, from, top + 5 * ratio, from, top);
    line(ctx, from, top, to, top);
    line(ctx, to, top, to, top + 5 * ratio);
    words.push([marks.lateText(span), (from + to) / 2, top]);
  }
  for (const span of marks.estimated) {
    const [from, to] = ends(span).map(within) as [number, number];
    const foot = bbox.top + bbox.height - 12 * ratio;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    line(ctx, from, foot, to, foot);
    ctx.setLineDash([]);
    words.push([marks.estimatedText(span), (from + to) / 2, foot]);
  }
  let free = Number.NEGATIVE_INFINITY;
  for (const [text, middle, y] of words.sort((a, b) => a[2] - b[2] || a[1] - b[1])) {
    const half = ctx.measureText(text).width / 2 + 4 * ratio;
    const place = y * 100_000 + middle;
    if (place - half < free && place > free - 100_000) continue; // its bracket speaks
    free = place + half;
    chip(ctx, text, middle, y, colours["ink-2"] ?? "", colours["surface"] ?? "", bbox, ratio);
  }
}

/** The first height from `y` downwards that keeps `apart` from every limit line: words never lie on one. */
export function clearOf(lines: number[], y: number, apart: number): number {
  return [...lines].sort((a, b) => a - b).reduce((at, line) => (Math.abs(line - at) < apart ? line + apart : at), y);
}

/** Where the newest value's own words stand. */
function wordOf(ctx: CanvasRenderingContext2D, plot: uPlot, last: NonNullable<Marks["last"]>, ratio: number): { left: number; right: number; y: number } {
  const right = plot.valToPos(last.time, "x", true) - 4 * ratio;
  return { left: right - ctx.measureText(last.text).width * 1.1, right, y: plot.valToPos(last.value, "y", true) - 11 * ratio };
}

function endOfLine(ctx: CanvasRenderingContext2D, plot: uPlot, last: NonNullable<Marks["last"]>, colours: Colours, ratio: number): void {
  const x = plot.valToPos(last.time, "x", true);
  const y = plot.valToPos(last.value, "y", true);
  ctx.fillStyle = colours["series-1"] ?? "";
  ctx.beginPath();
  ctx.arc(x, y, 3.5 * ratio, 0, 2 * Math.PI);
  ctx.fill();
  ctx.font = `700 ${FONT(ratio)}`;
  ctx.textAlign = "right";
  ctx.strokeStyle = colours["surface"] ?? "";
  ctx.lineWidth = 4 * ratio;
  ctx.lineJoin = "round";
  ctx.strokeText(last.text, x - 4 * ratio, y - 11 * ratio);
  ctx.fillText(last.text, x - 4 * ratio, y - 11 * ratio);
  ctx.font = FONT(ratio);
}

function cross(ctx: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  line(ctx, x - size, y - size, x + size, y + size);
  line(ctx, x - size, y + size, x + size, y - size);
}

function chip(ctx: CanvasRenderingContext2D, text: string, x: number, y: number, ink: string, ground: string, box: uPlot.BBox, ratio: number): void {
  const half = ctx.measureText(text).width / 2 + 4 * ratio;
  const middle = Math.min(Math.max(x, box.left + half), box.left + box.width - half);
  ctx.fillStyle = ground;
  ctx.fillRect(middle - half, y - 8 * ratio, 2 * half, 16 * ratio);
  ctx.fillStyle = ink;
  ctx.textAlign = "center";
  ctx.fillText(text, middle, y);
}

function symbol(ctx: CanvasRenderingContext2D, colour: Colour, x: number, y: number, r: number, colours: Colours, ratio: number): void {
  ctx.beginPath();
  if (colour === "red") ctx.rect(x - r, y - r, 2 * r, 2 * r);
  else if (colour === "blue") ctx.arc(x, y, r, 0, 2 * Math.PI);
  else {
    const points = colour === "orange" ? [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]] : [[0, -1.1], [1.2, 0.9], [-1.2, 0.9]];
    points.forEach(([dx, dy], index) => (index ? ctx.lineTo(x + r * dx!, y + r * dy!) : ctx.moveTo(x + r * dx!, y + r * dy!)));
    ctx.closePath();
  }
  ctx.fillStyle = colours[`${colour}-fill`] ?? "";
  ctx.strokeStyle = colours[`${colour}-edge`] ?? "";
  ctx.lineWidth = ratio;
  ctx.fill();
  ctx.stroke();
}
