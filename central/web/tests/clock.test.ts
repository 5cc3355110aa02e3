import { describe, expect, it } from "vitest";
import { anchor, secondsSince, serverTime } from "../src/logic/clock";
import { clockTime, day, moment, weekday } from "../src/logic/time";

const REPORT = { now: "2026-06-12T22:06:00.000000+08:00", factor: 5, story: true };
const AT = Date.parse(REPORT.now);

describe("story clock", () => {
  it("counts on at its own speed", () => {
    const at = anchor(REPORT, 1000);
    expect(serverTime(at, 1000)).toBe(AT);
    expect(serverTime(at, 3000)).toBe(AT + 10_000);
  });

  it("adds the way the report travelled, at the story's speed", () => {
    expect(serverTime(anchor(REPORT, 1000, 40), 1000)).toBe(AT + 200);
  });

  it("never stands still or runs backwards on a factor that is none", () => {
    expect(serverTime(anchor({ ...REPORT, factor: 0 }, 0), 1000)).toBe(AT + 1000);
  });

  it("ages values by the collector's time and not below zero", () => {
    expect(secondsSince("2026-06-12T22:05:48+08:00", AT)).toBe(12);
    expect(secondsSince("2026-06-12T22:06:03+08:00", AT)).toBe(0);
    expect(secondsSince(null, AT)).toBeNull();
    expect(secondsSince("no time", AT)).toBeNull();
  });
});

describe("moments", () => {
  it("are in UTC+8 wherever the browser is", () => {
    expect(clockTime(AT)).toBe("22:06:00");
    expect(day(AT, AT)).toBe("06-12");
    expect(weekday(AT)).toBe(5);
    expect(clockTime(Date.parse("2026-06-12T16:30:00Z"))).toBe("00:30:00");
  });

  it("name the day when it is another, and the year when that is another", () => {
    expect(moment("2026-06-12T20:10:00+08:00", AT)).toBe("20:10:00");
    expect(moment("2026-06-11T23:59:59+08:00", AT)).toBe("06-11 23:59:59");
    expect(moment("2025-12-31T23:59:59+08:00", AT)).toBe("2025-12-31 23:59:59");
    expect(moment(null, AT)).toBe("—");
  });
});
