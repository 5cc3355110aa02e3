import { describe, expect, it } from "vitest";
import { KINDS, drafted, fieldOf, freeId, hasUnit, levelFor, measured, missing, newInput, ordered, ruleDocument, several } from "../src/logic/newRule";

function tank() {
  const draft = drafted("limit");
  Object.assign(draft, { id: "own.tank", zh: "高液位", quantities: ["tank_level"], unit: "m" });
  draft.levels = [
    { ...levelFor("limit"), name: "过高", colour: "red", limit: "13.5", clause: "4.2" },
    { ...levelFor("limit"), name: "偏高", colour: "yellow", limit: "12.5", valid_from: "04-15", valid_to: "10-15" },
  ];
  return draft;
}

describe("a new rule", () => {
  it("is written from least to most severe, without what was left empty, and nobody answers for it", () => {
    expect(ruleDocument(tank())).toEqual({
      id: "own.tank", unit: "m", label: { zh: "高液位" }, quantity: ["tank_level"], kind: "limit",
      levels: [
        { name: "偏高", colour: "yellow", op: ">=", limit: 12.5, deadband: 0, on_delay: 0, off_delay: 0, status: "S", valid_from: "04-15", valid_to: "10-15" },
        { name: "过高", colour: "red", op: ">=", limit: 13.5, deadband: 0, on_delay: 0, off_delay: 0, status: "S", clause: "4.2" },
      ],
    });
    expect(JSON.stringify(ruleDocument(tank()))).not.toContain("confirmed");
  });

  it("has a figure, a named level, or none yet", () => {
    const draft = tank();
    draft.levels[0]!.named = "flood_limit_level";
    draft.levels[1]!.limit = "";
    expect((ruleDocument(draft)["levels"] as { limit: unknown }[]).map((each) => each.limit)).toEqual([null, null]);
    expect(missing(draft)).toEqual([]);
  });

  it("finds the field of a fault although levels are sent in another order", () => {
    const draft = tank();
    expect(fieldOf("levels[0].limit", draft)).toBe(`level.${draft.levels[1]!.key}.limit`);
    expect(fieldOf("levels[1]", draft)).toBe(`level.${draft.levels[0]!.key}.name`);
    expect(fieldOf("inputs[0].unit", draft)).toBe("inputs[0].unit");
    expect(fieldOf("label", draft)).toBe("label.zh");
  });

  it("puts lower limits with the lowest last", () => {
    const low = (limit: string) => ({ ...levelFor("limit"), op: "<=", colour: "yellow" as const, limit });
    expect(ordered([low("1"), low("3"), low("2")]).map((each) => each.limit)).toEqual(["3", "2", "1"]);
  });

  it("says what is missing before it is asked", () => {
    const draft = drafted("limit");
    expect(missing(draft)).toEqual(["label.zh", "id", "quantity[0]", `level.${draft.levels[0]!.key}.name`]);
    draft.levels[0]!.limit = "viel";
    expect(missing(draft)).toContain(`level.${draft.levels[0]!.key}.limit`);
  });

  it("keeps inputs and what each has to meet together", () => {
    const draft = drafted("vote");
    Object.assign(draft, { id: "own.vote", zh: "表决", within: "300" });
    draft.inputs = [{ ...newInput(0), quantity: "gas_combustible", unit: "%LEL", many: true, limit: "25" }];
    expect(ruleDocument(draft)).toMatchObject({ kind: "vote", within: 300, quantity: [], clauses: [{ input: "in1", op: ">=", limit: 25 }], inputs: [{ name: "in1", quantity: "gas_combustible", unit: "%LEL", many: true }] });
    expect(several(draft)).toBe(true);
    expect("unit" in ruleDocument(draft)).toBe(false);
  });

  it("has its own parameters for each kind", () => {
    const of = (kind: (typeof KINDS)[number]) => ruleDocument({ ...drafted(kind), quantities: ["tank_level"], unit: "m" });
    expect(of("rate")).toMatchObject({ per: 3600, consecutive: 1 });
    expect(of("window")).toMatchObject({ aggregate: "sum", window: 3600, min_samples: 1 });
    expect(of("schedule")).toMatchObject({ allowed: [{ begin: "06:00", end: "22:00" }] });
    expect(of("frozen")).toMatchObject({ tolerance: 0, unit: "m" });
    expect(of("deviation")).toMatchObject({ input: "in1", reference: "in2", unit: "m" });
    expect(of("digital")["levels"]).toMatchObject([{ op: "=", limit: 1 }]);
    expect(of("levels")["levels"]).toMatchObject([{ counts: "blue" }]);
  });

  it("speaks of a quantity unless its inputs do", () => {
    expect(KINDS.filter((kind) => !measured(drafted(kind)))).toEqual(["interlock", "vote", "deviation"]);
    expect(KINDS.filter((kind) => !hasUnit(drafted(kind)))).toEqual(["interlock", "vote", "levels"]);
  });

  it("is given an id nobody has", () => {
    expect(freeId("limit", "tank_level", new Set())).toBe("own.limit.tank_level");
    expect(freeId("limit", "", new Set(["own.limit", "own.limit-2"]))).toBe("own.limit-3");
  });
});
