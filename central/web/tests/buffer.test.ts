import { describe, expect, it } from "vitest";
import { formatLeft, givenUp, isFailing } from "../src/logic/buffer";
import { gatewayOrder } from "../src/logic/order";
import { buffer, gateway } from "./made";

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

  it("stands above gateways that are well", () => {
    const worse = gateway({ name: "z", buffer: buffer({ medium: "memory" }) });
    const behind = gateway({ name: "a", backlog: { readings: 900, oldest: null, alarm_readings: 0 } });
    expect([behind, worse].sort(gatewayOrder).map((item) => item.name)).toEqual(["z", "a"]);
  });
});
