import { expect, it } from "vitest";
import { joinTitle } from "../src/logic/title";

it.each([
  ["液位", "高高报", "液位 高高报"],
  ["1#雨量站 1小时雨量", "1小时雨量黄色", "1#雨量站 1小时雨量黄色"],
  ["3F 02-037 感烟火警", "火警", "3F 02-037 感烟火警"],
  ["力矩百分比", "力矩预警", "力矩百分比 力矩预警"],
  ["", "高报", " 高报"],
])("%s and %s read %s", (label, level, title) => expect(joinTitle(label, level)).toBe(title));
