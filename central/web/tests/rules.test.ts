import { describe, expect, it } from "vitest";
import { type RuleDocument, type RuleLevel, changed, differences, drafted, inSeason, isChanged, onOneScale, ruleStanding, scale, standing, typed, wrongFields } from "../src/logic/rules";

const level = (more: Partial<RuleLevel> = {}): RuleLevel => ({ name: "H", colour: "yellow", op: ">=", limit: 8.5, status: "D", ...more });
const rule = (...levels: RuleLevel[]): RuleDocument => ({ id: "own.high", label: { zh: "高液位", en: "" }, unit: "m", levels });

describe("what of a rule is in force", () => {
  it("is what was read in its source, or what somebody answered for", () => {
    expect(standing(level({ status: "V" }))).toBe("active");
    expect(standing(level())).toBe("unconfirmed");
    expect(standing(level({ confirmed_by: "li" }))).toBe("active");
    expect(standing(level({ limit: null, status: "V" }))).toBe("figureless");
    expect(standing(level({ limit: null, named: "flood_limit_level" }))).toBe("named");
  });

  it("is never what was retired, and partly what is in part", () => {
    expect(ruleStanding(rule(level({ status: "V" })), true)).toBe("retired");
    expect(ruleStanding(rule(level({ status: "V" }), level()), false)).toBe("partly");
    expect(ruleStanding(rule(level({ status: "K" })), false)).toBe("unconfirmed");
    expect(ruleStanding(rule(level({ status: undefined })), false)).toBe("unconfirmed");
  });
});

describe("a figure that is changed", () => {
  const draft = (text: string) => ({ ...drafted(level()), limit: text });

  it("is the site's own, in the name of who answers for it", () => {
    expect(changed(level({ confirmed_by: "ann", confirmed_on: "2026-01-01" }), draft("9"), "li")).toMatchObject({ limit: 9, status: "S", confirmed_by: "li" });
    expect(changed(level({ status: "V" }), { ...drafted(level({ status: "V" })), deadband: "0.2" }, "li").status).toBe("S");
  });

  it("is nobody's when nobody answers for it, and falls silent", () => {
    const silent = changed(level({ confirmed_by: "ann" }), draft("9"), null);
    expect(silent.confirmed_by).toBeUndefined();
    expect(standing(silent)).toBe("unconfirmed");
  });

  it("is left alone where nothing was changed", () => {
    const known = level({ confirmed_by: "ann", confirmed_on: "2026-01-01" });
    expect(isChanged(known, drafted(known))).toBe(false);
    expect(changed(known, drafted(known), null)).toBe(known);
  });

  it("is a number, and a delay is not less than nothing", () => {
    expect([typed("\u22125.5"), typed(""), typed("8,5"), typed("Infinity")]).toEqual([-5.5, null, undefined, undefined]);
    expect(wrongFields({ limit: "x", deadband: "-1", on_delay: "", off_delay: "0" })).toEqual(["limit", "deadband", "on_delay"]);
  });
});

describe("what two versions differ in", () => {
  it("is said level by level", () => {
    const before = rule(level(), level({ name: "HH", colour: "red", limit: 9 }));
    const after = { ...rule(level({ limit: 8.6, deadband: 0.1 }), level({ name: "HHH", colour: "red", limit: 9.5 })), unit: "cm" };
    expect(differences(before, after).map((one) => [one.level, one.field, one.before, one.after])).toEqual([
      ["H", "limit", 8.5, 8.6],
      ["H", "deadband", 0, 0.1],
      ["HHH", "added", null, 9.5],
      ["HH", "removed", 9, null],
      ["", "unit", "m", "cm"],
    ]);
    expect(differences(before, before)).toEqual([]);
    expect(differences(null, after)).toEqual([]);
  });

  it("holds who answers, and not the day alone", () => {
    expect(differences(rule(level()), rule(level({ confirmed_by: "li", confirmed_on: "2026-06-12" }))).map((one) => one.field)).toEqual(["confirmed_by"]);
  });
});

it("a scale keeps its marks apart and inside", () => {
  const drawn = scale([level({ limit: 10 }), level({ name: "a", limit: 10.01 }), level({ name: "b", limit: 20 })], 160);
  const texts = drawn?.marks.map((mark) => mark.text) ?? [];
  expect(texts).toHaveLength(3);
  for (const [place, y] of texts.entries()) if (place) expect(y - (texts[place - 1] ?? 0)).toBeGreaterThanOrEqual(18);
  expect(scale([level({ limit: null })], 160)).toBeNull();
});

it("levels of spans of their own, or of one figure, are on no scale", () => {
  expect(onOneScale([level(), level({ name: "HH", limit: 9 })])).toBe(true);
  expect(onOneScale([level(), level({ name: "HH" })])).toBe(false);
  expect(onOneScale([level({ window: 3600 }), level({ name: "HH", limit: 9 })])).toBe(false);
});

it("a season holds both its ends, and may go over the new year", () => {
  expect([inSeason("04-15", "10-15", "2026-04-15"), inSeason("04-15", "10-15", "2026-10-16")]).toEqual([true, false]);
  expect([inSeason("11-01", "03-31", "2026-01-05"), inSeason("11-01", "03-31", "2026-06-05")]).toEqual([true, false]);
  expect([inSeason("2026-04-15", "2026-10-15", "2027-05-01"), inSeason(null, null, "2027-05-01")]).toEqual([false, true]);
});
