import { describe, expect, it } from "vitest";
import { exportAddress } from "../src/api/calls";
import { times } from "../src/logic/export";

const NOW = Date.parse("2026-06-12T22:00:00+08:00");

describe("times of an export", () => {
  it("are the last hours before now", () => {
    expect(times("hour", "", "", NOW)).toEqual({ from: "2026-06-12T13:00:00.000Z", to: "2026-06-12T14:00:00.000Z" });
    expect(times("month", "", "", NOW)?.from).toBe("2026-05-13T14:00:00.000Z");
  });
  it("are China time where they were typed", () => {
    expect(times("own", "2026-06-01T00:00", "2026-06-02T08:30", NOW)).toEqual({ from: "2026-06-01T00:00:00+08:00", to: "2026-06-02T08:30:00+08:00" });
  });
  it("are refused when they end before they begin, or are not whole", () => {
    expect(times("own", "2026-06-02T00:00", "2026-06-02T00:00", NOW)).toBeNull();
    expect(times("own", "", "2026-06-02T00:00", NOW)).toBeNull();
  });
  it("keep their offset in the address", () => {
    const address = exportAddress({ site: "a", from: "2026-06-01T00:00:00+08:00", to: "x", format: "csv", zone: "UTC", language: "zh" });
    expect(address).toContain("/api/v1/export?site=a&from=2026-06-01T00%3A00%3A00%2B08%3A00");
  });
});
