import { describe, expect, it } from "vitest";
import type { Backfill } from "../src/api/types";
import { KEPT, recent, withBackfill, worstOf } from "../src/logic/backfills";

const made = (over: Partial<Backfill> = {}): Backfill => ({
  id: 1, gateway: "g", gateway_label: { zh: "网关", en: "" }, sites: ["s"], purpose: "production",
  began: "2026-06-12T22:12:10+08:00", ended: "2026-06-12T22:12:20+08:00", first: null, newest: null, readings: 8, points: 1, lost: 0,
  counts: { blue: 0, yellow: 0, orange: 0, red: 0 }, standing: 0, total: 0, alarms: [], peak: null, message: { zh: "", en: "" }, ...over,
});
const NOW = Date.parse("2026-06-12T22:20:00+08:00");

describe("what gateways delivered late", () => {
  it("is there once each, the newest first, and never without end", () => {
    const known = withBackfill(withBackfill([made({ id: 2 })], made({ id: 3 })), made({ id: 2, readings: 9 }));
    expect(known.map((each) => [each.id, each.readings])).toEqual([[3, 8], [2, 9]]);
    let many: readonly Backfill[] = [];
    for (let id = 0; id < KEPT + 10; id += 1) many = withBackfill(many, made({ id }));
    expect([many.length, many[0]?.id]).toEqual([KEPT, KEPT + 9]);
  });

  it("stays in sight for a shift, at its sites", () => {
    const old = made({ id: 2, ended: "2026-06-12T14:19:59+08:00" });
    const elsewhere = made({ id: 3, sites: ["other"] });
    expect(recent([made(), old, elsewhere], NOW, "").map((each) => each.id)).toEqual([1, 3]);
    expect(recent([made(), old, elsewhere], NOW, "s").map((each) => each.id)).toEqual([1]);
  });

  it("shows the worst colour of its alarms, or none", () => {
    expect(worstOf(made())).toBeNull();
    expect(worstOf(made({ counts: { blue: 3, yellow: 1, orange: 0, red: 0 } }))).toBe("yellow");
  });
});
