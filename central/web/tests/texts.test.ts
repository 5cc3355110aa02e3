import openapiTypes, { astToString } from "openapi-typescript";
import { describe, expect, it } from "vitest";
import document from "../../../docs/openapi.json";
import kept from "../src/api/schema.d.ts?raw";
import en from "../src/i18n/en";
import zh from "../src/i18n/zh";

type Tree = { [key: string]: Tree | string | string[] };

function flat(tree: Tree, path = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]): [string, string][] => {
    const here = path ? `${path}.${key}` : key;
    if (typeof value === "string") return [[here, value]];
    return Array.isArray(value) ? value.map((text, index) => [`${here}.${index}`, text]) : flat(value, here);
  });
}
const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe("sentences", () => {
  const chinese = new Map(flat(zh as Tree));
  const english = new Map(flat(en as Tree));

  it("exist in both languages under the same keys", () => expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort()));

  it("take the same parameters in both", () => {
    // English has a form for one and another for more: each takes what Chinese takes
    for (const [key, text] of chinese) for (const form of (english.get(key) ?? "").split(" | ")) expect(holes(form), key).toEqual(holes(text));
  });

  it("exist for every key the page asks for by its full name", () => {
    const sources = import.meta.glob<string>("../src/**/*.{vue,ts}", { query: "?raw", import: "default", eager: true });
    const asked = Object.values(sources).flatMap((text) => [...text.matchAll(/\bt\(\s*"([\w.]+)"/g)].map((match) => match[1] as string));
    expect(asked.length).toBeGreaterThan(100);
    for (const key of asked) expect([...chinese.keys()].some((known) => known === key || known.startsWith(`${key}.`)), key).toBe(true);
  });

  it("use the glossary's words and no exclamation", () => {
    const never = /失联|测点|站点|搁置|良好|存疑|告警|总览|设备健康|汇聚平台|读数|限值|[!！]|请稍后|抱歉|系统异常/;
    for (const [key, text] of chinese) expect(text, key).not.toMatch(never);
  });
});

it("the API's types are those of the OpenAPI document (npm run types)", async () => {
  const made = astToString(await openapiTypes(JSON.stringify(document)));
  expect(kept.endsWith(made), "run npm run types").toBe(true);
});
