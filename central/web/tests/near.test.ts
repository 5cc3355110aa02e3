import { expect, test } from "vitest";
import { drawn } from "../src/use/near";

const top = new Set(["new"]);

test("what just came at the top is drawn before anybody looked", () => {
  expect(drawn("new", new Map(), top)).toBe(true);
  expect(drawn("far below", new Map(), top)).toBe(false);
});

test("what was looked at goes by what was seen", () => {
  expect(drawn("new", new Map([["new", false]]), top)).toBe(false);
  expect(drawn("far below", new Map([["far below", true]]), top)).toBe(true);
});
