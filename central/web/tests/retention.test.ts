import { expect, it } from "vitest";
import type { RemovedDay } from "../src/api/types";
import { left, rule } from "../src/logic/retention";

const line = (tier: string, over: Partial<RemovedDay> = {}): RemovedDay => ({ site: "s", tier, day: "2025-06-12", readings: 1, bytes: 1, first: "", last: "", whose: "general:400d", ...over });

it("tells what is left of a day by what else of it has gone", () => {
  const [raw, minutes, hours] = [line("raw"), line("1min"), line("1h")];
  expect(left(raw, [raw])).toBe("raw");
  expect(left(raw, [raw, minutes])).toBe("minutes");
  expect(left(minutes, [raw, minutes, hours])).toBe("none");
  expect(left(raw, [raw, hours])).toBe("hours");
  expect(left(raw, [raw, line("1min", { site: "other" }), line("1min", { day: "2025-06-11" })])).toBe("raw");
});

it("reads whose setting it was and what it said", () => {
  expect(rule("general:400d")).toEqual({ whose: "general", days: 400 });
  expect(rule("site:forever")).toEqual({ whose: "site", days: null });
});
