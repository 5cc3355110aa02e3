import { describe, expect, it } from "vitest";
import type { GatewayKey, HeldStart, Invitation } from "../src/api/types";
import { type CodeForm, asked, digitsOf, entries, faults, fromField, isLoopback, shortKey, spaced, toField } from "../src/logic/enrolment";
import { curlExample, sitesOf, virtualFaults } from "../src/logic/virtual";
import { gateway } from "./made";

const T = "2026-06-12T22:00:00+08:00";
const key = (over: Partial<GatewayKey> = {}): GatewayKey => ({
  keyid: "ed25519:0f3a9c21", gateway: "g", state: "active", created: T, approved_by: "ann", approved: T, ended: null, digits: null, work_order: null, installer: null, ...over,
});
const code = (over: Partial<Invitation> = {}): Invitation => ({
  number: 1, id: "K7Q", gateway: "g", site: null, created: T, created_by: "ann", opens: T, expires: T, work_order: null, installer: null, state: "open", ended: null, ...over,
});
const start = (over: Partial<HeldStart> = {}): HeldStart => ({ gateway: "g", boot: "b".repeat(32), keyid: "k", since: T, state: "held", decided_by: null, decided: null, ...over });
const standing = (keys: GatewayKey[], codes: Invitation[] = [], held: HeldStart[] = [], state: "online" | "never" = "never") =>
  entries([gateway({ state })], { keys, codes, held }, new Set())[0]?.standing;

describe("how a gateway stands", () => {
  it("is what its keys, codes and starts say", () => {
    expect(standing([])).toBe("never");
    expect(standing([], [], [], "online")).toBe("token");
    expect(standing([], [code()])).toBe("invited");
    expect(standing([], [code({ state: "burnt" })])).toBe("never");
    expect(standing([key()])).toBe("active");
    expect(standing([key(), key({ keyid: "n", state: "pending" })])).toBe("pending");
    expect(standing([key()], [], [start()])).toBe("held");
    expect(standing([key()], [], [start({ state: "approved" })])).toBe("active");
    expect(standing([key({ state: "revoked" })])).toBe("revoked");
    expect(standing([key({ state: "revoked" })], [code()])).toBe("invited");
    expect(standing([key({ state: "refused", approved_by: null })])).toBe("refused");
  });

  it("puts what waits for somebody first, and leaves systems of others out", () => {
    const all = ["a", "b", "c", "d"].map((name) => gateway({ name }));
    const found = entries(all, { keys: [key({ gateway: "a" }), key({ gateway: "c", state: "pending" })], codes: [], held: [] }, new Set(["d"]));
    expect(found.map((entry) => entry.gateway.name)).toEqual(["c", "b", "a"]);
  });

  it("shows the key it speaks with, not one that ended later", () => {
    const found = entries([gateway()], { keys: [key({ keyid: "old", state: "refused", created: "2026-06-13T00:00:00Z" }), key()], codes: [], held: [] }, new Set());
    expect(shortKey(found[0]?.key?.keyid ?? "")).toBe("0f3a9c21");
  });
});

describe("what is typed", () => {
  it("takes digits as people type them", () => {
    expect(digitsOf(" 482-913 ")).toBe("482913");
    expect(digitsOf("４８２９１３5")).toBe("482913");
    expect(spaced("482913")).toBe("482 913");
    expect(spaced("48")).toBe("48");
  });

  it("means times in UTC+8, wherever the browser is", () => {
    expect(fromField("2026-06-12T22:00")).toBe("2026-06-12T14:00:00.000Z");
    expect(toField(Date.parse("2026-06-12T14:00:00Z"))).toBe("2026-06-12T22:00");
    expect(fromField("")).toBe("");
  });

  const NOW = Date.parse("2026-06-12T14:00:00Z");
  const form = (over: Partial<CodeForm> = {}): CodeForm => ({ gateway: "gw-1", zh: "", en: "", site: "", ordered: false, order: "", installer: "", opens: toField(NOW), expires: toField(NOW + 3_600_000), ...over });
  it("names every fault of the form at once", () => {
    expect(faults(form(), NOW)).toEqual([]);
    expect(faults(form({ gateway: "GW 1", en: "Pump", site: "Ä" }), NOW)).toEqual(["gateway", "zh", "site"]);
    expect(faults(form({ ordered: true, expires: toField(NOW - 60_000) }), NOW)).toEqual(["site", "order", "installer", "window"]);
    expect(faults(form({ ordered: true, site: "s", order: "W-1", installer: "王", expires: toField(NOW + 32 * 86_400_000) }), NOW)).toEqual(["window"]);
  });

  it("asks for what was filled in and nothing else", () => {
    expect(asked(form())).toEqual({ gateway: "gw-1" });
    expect(asked(form({ ordered: true, site: "s", order: " W-1 ", installer: "王", zh: "泵站" }))).toEqual({
      gateway: "gw-1", label: { zh: "泵站", en: "" }, site: "s", work_order: "W-1", installer: "王", opens: "2026-06-12T14:00:00.000Z", expires: "2026-06-12T15:00:00.000Z",
    });
  });

  it("knows an address nobody else can reach", () => {
    for (const url of ["http://127.0.0.1:8000", "https://localhost", "http://[::1]:1"]) expect(isLoopback(url), url).toBe(true);
    for (const url of ["https://10.0.0.1", "https://fengsui.example", "nonsense"]) expect(isLoopback(url), url).toBe(false);
  });
});

describe("virtual gateways", () => {
  it("take sites in any list people write", () => expect(sitesOf("a, b，c、a\n d ")).toEqual(["a", "b", "c", "d"]));
  it("name every fault at once", () => {
    expect(virtualFaults({ name: "acme", zh: "", en: "", sites: "a", silent: "300" })).toEqual([]);
    expect(virtualFaults({ name: "A", zh: "", en: "x", sites: " ", silent: "5" })).toEqual(["name", "zh", "sites", "silent"]);
  });
  it("show a request a shell can run", () => expect(curlExample("https://c:1", "s/d/p")).toContain('"https://c:1/api/v1/readings"'));
});
