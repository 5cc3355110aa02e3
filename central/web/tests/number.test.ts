import { describe, expect, it } from "vitest";
import { enumerationWord, formatBytes, formatCount, formatNumber, sign, unitText } from "../src/logic/number";

describe("measured numbers", () => {
  it.each([
    [92.4, 1, "92.4"],
    [13.8, 3, "13.800"],
    [-0.05, 2, "\u22120.05"],
    [-0.001, 2, "0.00"],
    [1234567.5, 1, "1234567.5"],
    [0.1 + 0.2, null, "0.3"],
    [-20, null, "\u221220"],
  ])("%d with %s decimals reads %s", (value, decimals, text) => expect(formatNumber(value, decimals)).toBe(text));
});

describe("sizes of files", () => {
  it.each([
    [0, "0 KB"],
    [831488, "812 KB"],
    [12_897_485, "12.3 MB"],
    [1_048_000_000, "999 MB"],
    [1_072_693_248, "1.0 GB"],
    [4_400_000_000_000_000, "4002 TB"],
  ])("%d bytes reads %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

describe("counts", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [41206, "41,206"],
    [2180000, "2,180,000"],
  ])("%d reads %s", (count, text) => expect(formatCount(count)).toBe(text));
});

describe("digital values", () => {
  const words = [
    { value: 0, label: { zh: "正常", en: "Normal" } },
    { value: 1, label: { zh: "动作", en: "Active" } },
  ];
  it("find their word whether they come as numbers or as truth", () => {
    expect(enumerationWord(1, words)).toEqual(words[1]?.label);
    expect(enumerationWord(true, words)).toEqual(words[1]?.label);
    expect(enumerationWord(false, words)).toEqual(words[0]?.label);
  });
  it("have none where the point has none", () => {
    expect(enumerationWord(7, words)).toBeNull();
    expect(enumerationWord(null, words)).toBeNull();
    expect(enumerationWord(1, [])).toBeNull();
  });
});

it("prints the one-sign degree as two", () => {
  expect([unitText("℃"), unitText("%LEL"), unitText(null)]).toEqual(["°C", "%LEL", ""]);
  expect([unitText("个"), unitText("个", "en"), unitText("mm", "en")]).toEqual(["个", "pcs", "mm"]);
});

it("writes comparisons as signs", () => {
  expect([">=", "<=", "=", "!=", ">", "<"].map(sign)).toEqual(["≥", "≤", "=", "≠", ">", "<"]);
});
