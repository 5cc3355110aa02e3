import { describe, expect, it } from "vitest";
import type { Colour } from "../src/api/types";
import { farther, within } from "../src/logic/horizon";
import { lapsesIn, lastsFor, leftOf, strongestOf, tooLong } from "../src/logic/laid";
import { isListed, isOfObject, isPlain, unseenWorst, urgentFirst, worstUnacknowledged } from "../src/logic/order";
import { factOf } from "../src/logic/sentence";
import { episode, level } from "./made";

const at = (minute: number) => `2026-06-12T22:${String(minute).padStart(2, "0")}:00+08:00`;
const of = (id: string, colour: Colour, state: "UNACK" | "ACKED" | "NORMAL", minute: number) => episode({ id, level: level({ colour }), state, raised: at(minute) });
const shelf = { name: "SHELVED" as const, since: at(0), until: at(30), one_shot: false, by: "zhao", reason: "标定" };

describe("the collector's order", () => {
  const list = [of("a", "yellow", "ACKED", 9), of("b", "red", "ACKED", 1), of("c", "blue", "UNACK", 2), of("d", "orange", "UNACK", 3), of("e", "orange", "UNACK", 4)];
  const sorted = [...list].sort(urgentFirst);
  it("is not yet acknowledged, then level, then newest", () => expect(sorted.map((each) => each.id)).toEqual(["e", "d", "c", "b", "a"]));
  it("shows nothing beyond what was read without a gap", () => {
    expect(within(sorted, sorted[2]!).map((each) => each.id)).toEqual(["e", "d", "c"]);
    expect(within(sorted, null)).toHaveLength(5);
    expect(farther(sorted[3]!, sorted[1]!).id).toBe("b");
    expect(farther(sorted[1]!, sorted[3]!).id).toBe("b");
    expect(farther(null, sorted[1]!).id).toBe("d");
  });
});

describe("what lies over a rule", () => {
  it("takes its alarm out of the list, the bar and the badge", () => {
    const shelved = { ...of("a", "red", "UNACK", 1), overlays: [shelf] };
    const free = of("b", "orange", "UNACK", 2);
    expect([isListed(shelved), isListed(free), isListed(of("c", "red", "NORMAL", 1))]).toEqual([false, true, false]);
    expect(worstUnacknowledged([shelved, free])?.id).toBe("b");
    expect(unseenWorst([shelved, free])).toEqual({ count: 1, colour: "orange" });
    expect(unseenWorst([{ ...free, purpose: "drill" }, of("y", "yellow", "UNACK", 1)]).count).toBe(0);
  });
  it("has a time left, or none of its own", () => {
    expect(leftOf(shelf, Date.parse(at(10)))).toBe(1_200);
    expect(leftOf(shelf, Date.parse(at(59)))).toBe(0);
    expect(leftOf({ until: null }, 0)).toBeNull();
    expect(lastsFor(shelf, Date.parse(at(5)))).toBe(300);
    expect(lapsesIn(at(0), Date.parse(at(20)))).toBe(2_400);
  });
  it("is to be reported after a day out of service, a shelf never", () => {
    const day = 86_400_000;
    const out = { ...shelf, name: "OUT_OF_SERVICE" as const, until: null };
    expect(tooLong(out, Date.parse(out.since) + day)).toBe(false);
    expect(tooLong(out, Date.parse(out.since) + day + 1)).toBe(true);
    expect(tooLong(shelf, Date.parse(shelf.since) + 2 * day)).toBe(false);
  });
  it("is spoken of by the view that asks", () => {
    const out = { ...shelf, name: "OUT_OF_SERVICE" as const };
    expect(strongestOf([out, shelf], ["SHELVED"])).toBe(shelf);
    expect(() => strongestOf([shelf], ["SUPPRESSED"])).toThrow("SUPPRESSED");
  });
});

describe("whose value it is", () => {
  const point = "s/g/d/level";
  it.each([
    [`${point}:high`, false, true],
    [`${point}:demo.rise`, false, false],
    ["s/bund-1:demo.gas", true, false],
  ])("%s", (rule, ofObject, plain) => {
    const one = episode({ rule, point });
    expect([isOfObject(one), isPlain(one)]).toEqual([ofObject, plain]);
  });
});

describe("the sentence in a row", () => {
  it.each([
    ["【红色报警】22:13 油库 一号防火堤 2 个。请确认。", "油库 一号防火堤 2 个。请确认。"],
    ["【演练】【橙色报警】06-12 22:13 油库 液位。", "油库 液位。"],
    ["[drill] [red] 22:13 Depot level 13.8 m.", "Depot level 13.8 m."],
    ["【补传】21:31–22:24 青云水库 库水位。", "青云水库 库水位。"],
    ["[late] 06-11 21:31-06-12 22:24 Reservoir level.", "Reservoir level."],
    ["油库 22:13 起无数据", "油库 22:13 起无数据"],
    ["", ""],
  ])("%s", (whole, fact) => expect(factOf(whole)).toBe(fact));
  it("says the whole place where the message had to cut it", () => {
    expect(factOf("【红色报警】14:50 红海湾示例… LT-101 液位 13.8 m。", "红海湾示例储运 油库")).toBe("红海湾示例储运 油库 LT-101 液位 13.8 m。");
    expect(factOf("【红色报警】14:50 油库 历时… 7 min。", "红海湾")).toBe("油库 历时… 7 min。");
  });
});
