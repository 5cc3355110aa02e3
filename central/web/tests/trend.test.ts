import { describe, expect, it } from "vitest";
import { clearOf } from "../src/components/trendDraw";
import { trend, withNewest, withSilence } from "../src/logic/trend";

const START = Date.parse("2026-06-12T22:00:00+08:00");
const buckets = (seconds: number[], over: { quality?: number[]; value?: (number | null)[]; late?: number[]; estimated?: number[] } = {}) => {
  const value = over.value ?? seconds.map((_, index) => index);
  return {
    time: seconds.map((second) => new Date(START + second * 1000).toISOString()),
    min: value, max: value, mean: value, last: value,
    count: seconds.map(() => 5),
    quality: over.quality ?? seconds.map(() => 0),
    late: over.late ?? seconds.map(() => 0),
    estimated: over.estimated ?? seconds.map(() => 0),
  };
};
const at = (second: number) => START / 1000 + second;

describe("trend", () => {
  it("draws what there is", () => {
    const drawn = trend(buckets([0, 10, 20]), 10, 30);
    expect(drawn.columns[1]).toEqual([0, 1, 2]);
    expect(drawn.gaps).toEqual([]);
    expect(drawn.readings).toBe(15);
  });

  it("never bridges a silence longer than the point allows", () => {
    const drawn = trend(buckets([0, 10, 100]), 10, 30);
    expect(drawn.columns[1]).toEqual([0, 1, null, 2]);
    expect(drawn.gaps).toEqual([{ from: at(20), to: at(100) }]);
  });

  it("does not take the rhythm of coarse buckets for silence", () => {
    expect(trend(buckets([0, 60, 180]), 60, 30).gaps).toEqual([]);
  });

  it("marks bad readings and leaves their line open", () => {
    const drawn = trend(buckets([0, 10, 20], { quality: [0, 0x800a0000, 0], value: [1, null, 3] }), 10, 30);
    expect(drawn.bad).toEqual([at(10)]);
    expect(drawn.columns[1]).toEqual([1, null, 3]);
  });

  it("grows by live values, across a gap where there was one, and ignores older ones", () => {
    const read = trend(buckets([0, 10]), 10, 30);
    expect(withNewest(read, at(15), 7, 30).columns[1]).toEqual([0, 1, 7]);
    expect(withNewest(read, at(90), 7, 30).columns[1]).toEqual([0, 1, null, 7]);
    expect(withNewest(read, at(10), 7, 30)).toBe(read);
  });

  it("hatches the silence up to now", () => {
    const read = trend(buckets([0, 10]), 10, 30);
    expect(withSilence(read, 30, at(40)).gaps).toEqual([]);
    expect(withSilence(read, 30, at(41)).gaps).toEqual([{ from: at(10), to: at(41) }]);
  });

  it("tells spans that came late, and spans of estimated times, apart from what lies between", () => {
    const drawn = trend(buckets([0, 10, 20, 30, 100, 110], { late: [0, 5, 5, 0, 2, 3], estimated: [1, 0, 0, 0, 0, 1] }), 10, 30);
    expect(drawn.late).toEqual([{ from: at(10), to: at(30), count: 10 }, { from: at(100), to: at(120), count: 5 }]);
    expect(drawn.estimated).toEqual([{ from: at(0), to: at(10), count: 1 }, { from: at(110), to: at(120), count: 1 }]);
    expect(trend(buckets([0, 100], { late: [1, 1] }), 10, 30).late).toHaveLength(2);
  });
});

describe("words in the picture", () => {
  it("keep away from every limit line", () => {
    expect(clearOf([], 24, 13)).toBe(24);
    expect(clearOf([100, 20], 24, 13)).toBe(33);
    expect(clearOf([40, 20], 24, 13)).toBe(53);
    expect(clearOf([11], 24, 13)).toBe(24);
  });
});
