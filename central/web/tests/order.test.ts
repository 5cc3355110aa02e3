import { describe, expect, it } from "vitest";
import type { Colour } from "../src/api/types";
import { blindness, silentDevices } from "../src/logic/blind";
import { gatewayOrder, worstFirst, worstUnacknowledged } from "../src/logic/order";
import { episode, gateway, level } from "./made";

const at = (minute: number) => `2026-06-12T22:${String(minute).padStart(2, "0")}:00+08:00`;
const of = (id: string, colour: Colour, state: "UNACK" | "ACKED" | "RTN_UNACK", minute: number) =>
  episode({ id, level: level({ colour }), state, raised: at(minute) });

describe("worst first", () => {
  it("is level, then unacknowledged, then newest", () => {
    const list = [
      of("blue new", "blue", "UNACK", 9),
      of("red acked", "red", "ACKED", 8),
      of("red old", "red", "UNACK", 1),
      of("red new", "red", "RTN_UNACK", 5),
      of("orange", "orange", "UNACK", 7),
      of("yellow", "yellow", "ACKED", 6),
    ];
    expect(list.sort(worstFirst).map((item) => item.id)).toEqual(["red new", "red old", "red acked", "orange", "yellow", "blue new"]);
  });

  it("never calls two alarms equal", () => {
    const a = of("a", "red", "UNACK", 1);
    const b = of("b", "red", "UNACK", 1);
    expect(Math.sign(worstFirst(a, b))).toBe(-Math.sign(worstFirst(b, a)));
    expect(worstFirst(a, b)).not.toBe(0);
    expect(worstFirst(a, a)).toBe(0);
  });

  it("puts on the bar the worst that nobody has seen", () => {
    expect(worstUnacknowledged([of("red", "red", "ACKED", 2), of("yellow", "yellow", "UNACK", 1)])?.id).toBe("yellow");
    expect(worstUnacknowledged([of("red", "red", "ACKED", 2)])).toBeNull();
  });

  it("never puts a test or a drill before a real one", () => {
    const drill = { ...of("drill", "red", "UNACK", 3), purpose: "test" as const };
    expect(worstUnacknowledged([drill, of("real", "blue", "UNACK", 1)])?.id).toBe("real");
    expect(worstUnacknowledged([drill])?.id).toBe("drill");
  });
});

describe("gateways", () => {
  it("come offline longest first, then never seen, then the most behind", () => {
    const list = [
      gateway({ name: "well" }),
      gateway({ name: "behind", backlog: { readings: 900, oldest: at(1), alarm_readings: 0 } }),
      gateway({ name: "new", state: "never" }),
      gateway({ name: "short", state: "offline", offline_since: at(9) }),
      gateway({ name: "long", state: "offline", offline_since: at(1) }),
    ];
    expect(list.sort(gatewayOrder).map((item) => item.name)).toEqual(["long", "short", "new", "behind", "well"]);
  });

  it("that are offline are one item, never their devices too", () => {
    const device = { name: "d", label: { zh: "", en: "" }, state: "offline", since: at(1) };
    const bus = { name: "b", protocol: "modbus_tcp", state: "online", devices: [device] };
    expect(silentDevices([gateway({ state: "offline", buses: [bus] })])).toEqual([]);
    expect(silentDevices([gateway({ buses: [bus] })]).map((found) => found.device.name)).toEqual(["d"]);
  });

  it("say where the sight of a point ends", () => {
    const device = { name: "d", label: { zh: "", en: "" }, state: "offline", since: at(1) };
    const bus = { name: "b", protocol: "modbus_tcp", state: "online", devices: [device] };
    expect(blindness("s/g/d/p", { g: gateway({ state: "offline", buses: [bus] }) })).toBe("gateway");
    expect(blindness("s/g/d/p", { g: gateway({ buses: [bus] }) })).toBe("device");
    expect(blindness("s/g/other/p", { g: gateway({ buses: [bus] }) })).toBe("");
    expect(blindness("s/unknown/d/p", {})).toBe("");
  });
});
