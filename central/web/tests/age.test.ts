import { describe, expect, it } from "vitest";
import { formatAge, formatLasting } from "../src/logic/age";

describe("age of a value", () => {
  it.each([
    [-3, "0 s"],
    [0, "0 s"],
    [59.9, "59 s"],
    [60, "1 min"],
    [3599, "59 min"],
    [3600, "1 h"],
    [8040, "2 h 14 min"],
    [172_799, "47 h 59 min"],
    [172_800, "2 天"],
    [3 * 86_400 + 4 * 3600, "3 天 4 h"],
  ])("%d s reads %s", (seconds, text) => expect(formatAge(seconds, "zh")).toBe(text));

  it("says days in the page's language", () => expect(formatAge(3 * 86_400 + 4 * 3600, "en")).toBe("3 d 4 h"));
});

describe("how long an alarm has lasted", () => {
  it.each([
    [41, "0 分 41 秒"],
    [65, "1 分 05 秒"],
    [192, "3 分 12 秒"],
    [2 * 3600 + 8 * 60 + 59, "2 小时 08 分"],
    [2 * 86_400 + 4 * 3600, "2 天 4 小时"],
  ])("%d s reads %s", (seconds, text) => expect(formatLasting(seconds, "zh")).toBe(text));

  it("speaks English", () => expect(formatLasting(192, "en")).toBe("3 min 12 s"));
});
