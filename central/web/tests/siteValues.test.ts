import { describe, expect, it } from "vitest";
import type { SiteValues } from "../src/api/types";
import { readings } from "../src/logic/siteValues";

const good = { quality: { code: 0, class: "good", reason: null }, late: false, estimated: false } as const;
const bad = { quality: { code: 0x80310000, class: "bad", reason: "BAD_NO_COMMUNICATION" }, late: true, estimated: true } as const;
const [one, two, three] = ["2026-06-12T22:00:00.000000+08:00", "2026-06-12T22:00:00.004000+08:00", "2026-06-12T22:00:01.000000+08:00"];

const told = (over: Partial<SiteValues> = {}): SiteValues => ({
  site: "s", point: ["s/g/d/a", "s/g/d/b", "s/g/d/c"], value: [1.5, null, "行"], mark: { of: [good, bad, good], count: [1, 1, 1] },
  source_time: { of: [one, two], count: [2, 1] }, received_time: { of: [three], count: [3] }, ...over,
});

describe("columns of the stream", () => {
  it("become one reading for each place", () =>
    expect(readings(told())).toEqual([
      { point: "s/g/d/a", value: 1.5, ...good, source_time: one, received_time: three },
      { point: "s/g/d/b", value: null, ...bad, source_time: one, received_time: three },
      { point: "s/g/d/c", value: "行", ...good, source_time: two, received_time: three },
    ]));
  it("keep zero, false and the empty text", () =>
    expect(readings(told({ value: [0, false, ""] })).map((item) => item.value)).toEqual([0, false, ""]));
  it("say nothing of a place they do not reach", () => {
    expect(readings(told({ mark: { of: [good], count: [2] } })).map((item) => item.point)).toEqual(["s/g/d/a", "s/g/d/b"]);
    expect(readings(told({ value: [1.5] })).map((item) => item.point)).toEqual(["s/g/d/a"]);
  });
  it("may hold nothing", () =>
    expect(readings(told({ point: [], value: [], mark: { of: [], count: [] }, source_time: { of: [], count: [] }, received_time: { of: [], count: [] } }))).toEqual([]));
});
