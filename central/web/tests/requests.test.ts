import { describe, expect, it } from "vitest";
import { LONGEST, requestDrafts, withRequests, wrongRequest } from "../src/logic/requests";
import { type RuleDocument, differences } from "../src/logic/rules";

const RULE: RuleDocument = {
  id: "own.high", label: { zh: "高液位", en: "" }, request: { zh: "请核对液位" },
  levels: [
    { name: "H", colour: "yellow", op: ">=", limit: 13 },
    { name: "HH", colour: "orange", op: ">=", limit: 13.8, request: { zh: "请停止进料", en: "Stop filling" } },
  ],
};

describe("what a rule asks people to do", () => {
  it("comes back as it was where nothing was typed", () => {
    expect(differences(RULE, withRequests(RULE, requestDrafts(RULE)))).toEqual([]);
  });

  it("is the level's own, is taken away by emptying it, and is a difference", () => {
    const drafts = requestDrafts(RULE);
    drafts["H"] = { zh: " 请准备停止进料 ", en: "" };
    drafts["HH"] = { zh: "", en: "" };
    const made = withRequests(RULE, drafts);
    expect(made.levels.map((level) => level.request)).toEqual([{ zh: "请准备停止进料" }, undefined]);
    expect(made.request).toEqual({ zh: "请核对液位" });
    expect(differences(RULE, made).map((each) => [each.level, each.field])).toEqual([["H", "request"], ["HH", "request"]]);
  });

  it("is one plain line within its length, and English needs Chinese", () => {
    expect(wrongRequest({ zh: "请停止进料", en: "" })).toBe(false);
    for (const zh of ["停".repeat(LONGEST.zh + 1), "请停止进料！", "【紧急】", "停{x}"]) expect(wrongRequest({ zh, en: "" })).toBe(true);
    expect(wrongRequest({ zh: "", en: "Stop" })).toBe(true);
    expect(wrongRequest({ zh: "请停", en: "s".repeat(LONGEST.en + 1) })).toBe(true);
  });
});
