/** What uPlot does not draw itself: hatched gaps, the excursion, limit lines with their symbols. */

import type uPlot from "uplot";
import type { Colour } from "../api/types";
import type { Gap } from "../logic/trend";

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
  for (const gap of marks.gaps) {
    const half = ctx.measureText(marks.gapText(gap)).width / 2 + 4 * ratio;
    const middle = (plot.valToPos(gap.from, "x", true) + plot.valToPos(gap.to, "x", true)) / 2;
    if (middle - half < free) continue; // its hatch speaks; words never lie on words
    free = Math.max(middle, bbox.left + half) + half;
    chip(ctx, marks.gapText(gap), middle, bbox.top + 9 * ratio, colours["blind-ink"] ?? "", colours["surface"] ?? "", bbox, ratio);
  }
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
