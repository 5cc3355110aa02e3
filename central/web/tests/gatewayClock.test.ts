import { describe, expect, it } from "vitest";
import { reasonWord } from "../src/i18n/reasons";
import { formatOffset, formatWithin } from "../src/logic/gatewayClock";

describe("a gateway's clock", () => {
  it("is off by a number with its sign and unit", () => {
    const shown = [0, 0.02, -0.004, 9.994, -75.9, 3725, -18_100, 315_360_000].map((seconds) => formatOffset(seconds, "zh"));
    expect(shown).toEqual(["0.00 s", "+0.02 s", "0.00 s", "+9.99 s", "\u221275 s", "+62 min", "\u22125 h", "+3,650 天"]);
    expect(formatOffset(-172_800, "en")).toBe("\u22122 d");
    expect(formatOffset(null, "zh")).toBeNull();
  });

  it("says how exact that is", () => {
    expect([formatWithin(0.034), formatWithin(0), formatWithin(null)]).toEqual([" \u00b1 0.03 s", " \u00b1 0.01 s", ""]);
  });

  it("says why it is not synchronised", () => {
    expect(["not_disciplined", "stepped", "before_build"].map(reasonWord)).toEqual(["没有校时", "时间发生跳变", "时间早于软件版本"]);
  });
});
