import { describe, expect, it } from "vitest";
import { bufferGrade, formatLeft, gatewayGrade, givenUp, isFailing } from "../src/logic/buffer";
import { sentence } from "../src/i18n/catalogue";
import { pieceWord, reasonWord, storeReason } from "../src/i18n/reasons";
import { gatewayOrder } from "../src/logic/order";
import { buffer, clock, gateway } from "./made";

describe("a gateway's buffer", () => {
  it("says how long it will do", () => {
    expect(formatLeft(null, "zh")).toBeNull();
    expect(formatLeft(0.5, "zh")).toBe("30 min");
    expect(formatLeft(5.7, "zh")).toBe("5 h");
    expect(formatLeft(71.5, "en")).toBe("2 d 23 h");
    expect(formatLeft(24 * 52.4, "zh")).toBe("52 天");
    expect(formatLeft(1e6, "zh")).toBe("> 1000 天");
  });

  it("fails only when the gateway says so", () => {
    expect([null, "ok", "memory", "failing"].map((medium) => isFailing(gateway({ buffer: buffer({ medium: medium as "ok" | null }) })))).toEqual([false, false, true, true]);
  });

  it("names what was given up, the most first", () => {
    expect(givenUp(gateway({ buffer: buffer({ drops: { quota: 2, memory: 0, thinned: 9 } }) }))).toEqual([["thinned", 9], ["quota", 2]]);
  });

  it("is graded: losing data, then no room or hours, then days", () => {
    const grade = (over: Parameters<typeof buffer>[0]) => bufferGrade(gateway({ buffer: buffer(over) }));
    expect(grade({ medium: "failing", failing: "BUFFER_FULL" })).toBe("red");
    expect(grade({ medium: "memory", failing: "BUFFER_READ_ONLY" })).toBe("red");
    expect(grade({ medium: "memory", failing: "BUFFER_FULL" })).toBe("orange");
    expect(grade({ medium: "ok", reserve_only: true })).toBe("orange");
    expect([23.9, 24, 71.9, 72, null].map((hours_left) => grade({ medium: "ok", hours_left }))).toEqual(["orange", "yellow", "yellow", null, null]);
    expect(bufferGrade(gateway({ state: "offline", buffer: buffer({ medium: "failing" }) }))).toBeNull();
    expect(gatewayGrade(gateway({ clock: clock({ grade: "orange" }) }))).toBe("orange");
    expect(gatewayGrade(gateway({ clock: clock({ grade: "orange" }), buffer: buffer({ medium: "failing" }) }))).toBe("red");
    expect(gatewayGrade(gateway({ clock: clock({ grade: "yellow" }), state: "offline" }))).toBeNull();
  });

  it("says why in words; a code nobody knows is shown as it is", () => {
    expect(["quota", "BUFFER_READ_ONLY", "journal", "some_new_reason", "fault.x", "[Errno 5]"].map(reasonWord)).toEqual(["缓存到配额", "只读", "日志损坏", "some_new_reason", "fault.x", "[Errno 5]"]);
    expect(sentence("DATA_LOST", { count: 3, reason: "corrupt" })).toBe("缺失 3 条数据，原因：文件损坏，已记入数据缺失台账。");
  });

  it("says where damage of the store is in words", () => {
    expect(["head/newest/3", "head/other/0", "#12", "红海湾/TK-101 2026-06-12"].map(pieceWord)).toEqual(["最新值 第 3 页", "other 第 0 页", "数据流 12", "红海湾/TK-101 2026-06-12"]);
    expect(["checksum", "row 3: checksum", "too short"].map(storeReason)).toEqual(["校验和不符", "第 3 行：校验和不符", "内容与写入时不同（too short）"]);
    expect(sentence("STORE_SET_ASIDE", { what: "head/newest/3", count: 2, reason: "row 1: cut" })).toContain("最新值 第 3 页");
  });

  it("stands above gateways that are well, and above those never seen", () => {
    const worse = gateway({ name: "z", buffer: buffer({ medium: "memory" }) });
    const behind = gateway({ name: "a", backlog: { readings: 900, oldest: null, alarm_readings: 0 } });
    const fresh = gateway({ name: "n", state: "never" });
    expect([fresh, behind, worse].sort(gatewayOrder).map((item) => item.name)).toEqual(["z", "n", "a"]);
  });
});
