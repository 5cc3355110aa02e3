import { expect, it } from "vitest";
import type { Delivery } from "../src/api/types";
import { percentCut, portions, together, worstFirst } from "../src/logic/deliveries";

const one = (point: string, over: Partial<Delivery> = {}): Delivery => ({
  point, count: 10, good: 10, uncertain: 0, bad: 0, late: 0, estimated: 0, first: null, last: null, gap_count: 0, gap_total_s: 0, gap_longest_s: 0, gaps: [],
  owed_s: 100, slots_owed: 10, slots_filled: 10, completeness_percent: 100, online_s: 100, online_percent: 100, ...over,
});

it("cuts percentages and never rounds them up", () => {
  expect(percentCut(99_496, 100_000)).toBe(99.49);
  expect(percentCut(29, 100)).toBe(29);
  expect(percentCut(0, 0)).toBeNull();
});

it("adds numerators and denominators, and averages nothing", () => {
  const sum = together([one("a", { slots_owed: 1000, slots_filled: 1000 }), one("b", { count: 0, slots_filled: 0, online_s: 0, late: 3, estimated: 2, gap_count: 1 })]);
  expect(sum).toMatchObject({ points: 2, silent: 1, count: 10, late: 3, estimated: 2, gaps: 1, slots: [1000, 1010], completeness: 99, online: 50 });
  expect(together([one("a", { slots_owed: 0, slots_filled: 0, online_s: 0 })])).toMatchObject({ completeness: null, online: null });
});

it("puts what is silent first, then the least complete, then the longest gap", () => {
  const items = [one("whole"), one("half", { completeness_percent: 50 }), one("silent", { count: 0, completeness_percent: 0 }), one("gap", { gap_longest_s: 9 })];
  expect(worstFirst(items).map((item) => item.point)).toEqual(["silent", "half", "gap", "whole"]);
});

it("asks for every point, so many at a time", () => {
  expect(portions([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(portions([1, 2], 2)).toEqual([[1, 2]]);
  expect(portions([], 2)).toEqual([]);
});
