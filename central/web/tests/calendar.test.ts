import { describe, expect, it } from "vitest";
import { type ExemptionForm, exemptionAsked, exemptionFaults, standing } from "../src/logic/calendar";

const at = (hour: number) => new Date(Date.UTC(2026, 5, 12, hour)).toISOString();
const form = (over: Partial<ExemptionForm> = {}): ExemptionForm => ({
  site: "qingyun", category: "maintenance", some: false, points: [], from: "2026-06-12T08:00", to: "", reason: "检修", reference: "", ...over,
});

describe("a filing", () => {
  it("is planned, open, ended, and withdrawn whatever its times", () => {
    const one = { from: at(8), to: at(10), withdrawn: null };
    expect([7, 8, 9, 10].map((hour) => standing(one, Date.parse(at(hour))))).toEqual(["planned", "open", "open", "ended"]);
    expect(standing({ ...one, to: null }, Date.parse(at(23)))).toBe("open");
    expect(standing({ ...one, withdrawn: at(9) }, Date.parse(at(9)))).toBe("withdrawn");
  });

  it("names everything that is wrong at once", () => {
    expect(exemptionFaults(form(), "filings")).toEqual([]);
    expect(exemptionFaults(form({ site: "", category: "", some: true, from: "", reason: " " }), "filings")).toEqual(["site", "category", "points", "from", "reason"]);
    expect(exemptionFaults(form({ to: "2026-06-12T08:00", reason: "x".repeat(501) }), "filings")).toEqual(["to", "reason"]);
    expect(exemptionFaults(form({ site: "" }), "faults")).toEqual([]);
  });

  it("is asked in UTC, open where no end is written", () => {
    expect(exemptionAsked(form({ some: true, points: ["a"] }), "filings")).toEqual({
      site: "qingyun", points: ["a"], category: "maintenance", from: "2026-06-12T00:00:00.000Z", to: null, reason: "检修", reference: "",
    });
    expect(exemptionAsked(form({ site: "", some: true, points: ["a"], to: "2026-06-12T09:30" }), "faults")).toMatchObject({ to: "2026-06-12T01:30:00.000Z" });
    expect(exemptionAsked(form({ site: "" }), "faults")).not.toHaveProperty("site");
  });
});
