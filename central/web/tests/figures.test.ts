import { expect, it } from "vitest";
import type { Kpi } from "../src/api/ruleCalls";
import { duration, grouped, madeOf, shortNumber, verdict } from "../src/logic/figures";

const mark = (op: string, limit: number, meaning: Kpi["benchmarks"][number]["meaning"] = "target") => ({ op, limit, meaning, source: "ISA", status: "K" });
const figure = (name: string, value: number | null, ...benchmarks: Kpi["benchmarks"]): Kpi => ({ name, value, unit: "%", numerator: 1, denominator: 2, late: 0, benchmarks });

it("a figure is held against its benchmarks, the stricter first", () => {
  const load = [mark("<=", 6, "acceptable"), mark("<=", 12, "manageable")];
  expect([5, 6, 9, 13].map((value) => verdict(figure("per_hour", value, ...load)))).toEqual(["within", "within", "manageable", "over"]);
  expect(verdict(figure("chattering", 0, mark("=", 0)))).toBe("within");
});

it("what has no benchmark, no value, or is about a number only, is not judged", () => {
  expect(verdict(figure("mean_daily_peak", 3))).toBe("none");
  expect(verdict(figure("per_hour", null, mark("<=", 6)))).toBe("none");
  expect(verdict(figure("priority_low", 20, mark("=", 80, "about")))).toBe("none");
});

it("every figure has its group, those nobody knows too", () => {
  const names = ["per_hour", "flood_time", "stale", "priority_top", "acknowledge_p90", "unverified", "something_new"];
  expect(grouped(names.map((name) => figure(name, 1))).map((part) => [part.group, part.figures.length])).toEqual([
    ["load", 2], ["quality", 1], ["priority", 1], ["answer", 1], ["verified", 2],
  ]);
  expect(["per_day", "flood_time", "busy_hours", "top_10", "acknowledge_median"].map((name) => madeOf(figure(name, 1)))).toEqual(["per_day", "time", "hours", "share", "answered"]);
});

it("numbers are short and spans are read as people say them", () => {
  expect([0, 3, 2.958, 84.507, 123.4].map(shortNumber)).toEqual(["0", "3", "2.96", "84.5", "123"]);
  expect([40, 95 * 60, 86_400, 604_800].map(duration)).toEqual(["40 s", "95 min", "24 h", "7 d"]);
});
