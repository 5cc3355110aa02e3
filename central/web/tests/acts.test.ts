import { afterEach, describe, expect, it, vi } from "vitest";
import { type Attempt, act, acknowledgeMany, send } from "../src/api/alarmCalls";
import { ApiError } from "../src/api/client";
import type { OverlayLayer } from "../src/api/types";
import { ACTS, type Act, NOTHING_GIVEN, actBody, actFaults, actPath, canDo, mayDo, offered, shelves } from "../src/logic/acts";

const layer = (name: OverlayLayer["name"]): OverlayLayer => ({ name, since: "2026-06-12T22:00:00+08:00", until: null, one_shot: false, by: "zhao", reason: "r" });
const STATES = ["UNACK", "ACKED", "RTN_UNACK", "LATCHED_UNACK", "LATCHED_ACKED", "NORMAL"] as const;

describe("what is offered", () => {
  it("follows the state", () => {
    const open = (state: (typeof STATES)[number]) => ["acknowledge", "reset"].filter((each) => canDo(each as Act, state, []));
    expect(STATES.map(open)).toEqual([["acknowledge"], [], ["acknowledge"], ["acknowledge"], ["reset"], []]);
  });

  it("follows what lies over the rule", () => {
    const can = (...names: OverlayLayer["name"][]) => ACTS.filter((each) => canDo(each, "ACKED", names.map(layer)));
    expect(can()).toEqual(["verify", "shelve", "comment", "suppress", "out_of_service"]);
    expect(can("SHELVED")).toEqual(["verify", "comment", "unshelve", "suppress", "out_of_service"]);
    expect(can("SUPPRESSED")).toEqual(["verify", "comment", "unsuppress", "out_of_service"]);
    expect(can("OUT_OF_SERVICE", "SUPPRESSED")).toEqual(["verify", "comment", "unsuppress", "in_service"]);
  });

  it("follows the roles: no end of its own is an engineer's", () => {
    expect(ACTS.filter((each) => mayDo(each, ["operator"]))).toEqual(["acknowledge", "verify", "shelve", "comment", "reset", "unshelve"]);
    expect(ACTS.filter((each) => mayDo(each, ["engineer"]))).toEqual([...ACTS]);
    for (const role of ["viewer", "auditor", "enterprise", "unknown"]) expect(ACTS.filter((each) => mayDo(each, [role])), role).toEqual([]);
    expect(offered({ state: "UNACK", overlays: [] }, ["operator"])).toEqual(["verify", "shelve", "comment"]);
  });
});

describe("what an act asks for", () => {
  const given = (over: Partial<typeof NOTHING_GIVEN> = {}) => ({ ...NOTHING_GIVEN, ...over });

  it("names everything that is missing at once", () => {
    expect(actFaults("shelve", given())).toEqual(["seconds", "reason"]);
    expect(actFaults("out_of_service", given())).toEqual(["reason", "permit"]);
    expect(actFaults("verify", given())).toEqual(["result"]);
    expect(actFaults("comment", given({ text: "  " }))).toEqual(["text"]);
    expect(actFaults("acknowledge", given())).toEqual([]);
    expect(actFaults("reset", given())).toEqual([]);
  });

  it.each([
    [{ permit: "JX-1", filing: "3" }, ["both"]],
    [{ filing: "0" }, ["filing"]],
    [{ filing: "12a" }, ["filing"]],
    [{ filing: "12" }, []],
    [{ permit: "JX-1" }, []],
  ])("takes one of permit and filing %o", (over, found) => expect(actFaults("out_of_service", given({ text: "检修", ...over }))).toEqual(found));

  it("sends what the API asks for, and nothing else", () => {
    expect(actBody("acknowledge", given({ text: " 看到 " }))).toEqual({ comment: "看到" });
    expect(actBody("verify", given({ result: "false", text: "探头" }))).toEqual({ result: "false", note: "探头" });
    expect(actBody("shelve", given({ seconds: 1800, text: "标定", oneShot: true }))).toEqual({ seconds: 1800, reason: "标定", one_shot: true });
    expect(actBody("out_of_service", given({ permit: " JX-1 ", text: "检修" }))).toEqual({ reason: "检修", permit: "JX-1" });
    expect(actBody("out_of_service", given({ filing: "12", text: "检修" }))).toEqual({ reason: "检修", filing: 12 });
    expect(actBody("comment", given({ text: "一" }))).toEqual({ text: "一" });
    expect(actBody("unsuppress", given({ text: "完" }))).toEqual({ reason: "完" });
    expect(actPath("out_of_service")).toBe("out-of-service");
  });

  it("offers shelves up to the cap, the cap among them", () => {
    expect(shelves(8 * 3600)).toEqual([1_800, 3_600, 14_400, 28_800]);
    expect(shelves(600)).toEqual([300, 600]);
    for (const cap of [60, 300, 600, 1800, 3600, 14_400, 28_800, 43_200]) {
      const offeredTimes = shelves(cap);
      expect(offeredTimes.at(-1)).toBe(cap);
      expect(offeredTimes.length).toBeLessThanOrEqual(4);
      expect([...offeredTimes].sort((a, b) => a - b)).toEqual(offeredTimes);
      expect(new Set(offeredTimes).size).toBe(offeredTimes.length);
    }
  });
});

describe("an attempt", () => {
  afterEach(() => vi.unstubAllGlobals());
  const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });
  const at: Attempt = act("A-1", "comment", { text: "x" });
  const run = (answers: (() => Promise<Response>)[]) => {
    const keys: string[] = [];
    const waited: number[] = [];
    vi.stubGlobal("fetch", (_: string, options: { headers: Record<string, string> }) => {
      keys.push(options.headers["Idempotency-Key"] ?? "");
      return (answers[keys.length - 1] ?? (() => Promise.reject(new Error("too often"))))();
    });
    const done = send(at, [10, 20], async (ms) => void waited.push(ms));
    return { done, keys, waited };
  };
  const broken = () => Promise.reject(new TypeError("connection lost"));

  it("is sent again with the same key where nobody answered", async () => {
    const { done, keys, waited } = run([broken, async () => json(503, null), async () => json(200, { id: "A-1" })]);
    await expect(done).resolves.toEqual({ id: "A-1" });
    expect(keys).toEqual([at.key, at.key, at.key]);
    expect(waited).toEqual([10, 20]);
  });

  it("is not sent again where it was refused", async () => {
    const { done, keys } = run([async () => json(409, { code: "ALREADY_ACKNOWLEDGED", params: { by: "zhao" } })]);
    await expect(done).rejects.toMatchObject({ code: "ALREADY_ACKNOWLEDGED", status: 409 });
    expect(keys).toHaveLength(1);
  });

  it("gives up after its pauses and says that nobody answered", async () => {
    const { done, keys } = run([broken, broken, broken]);
    await expect(done).rejects.toBeInstanceOf(ApiError);
    expect(keys).toHaveLength(3);
  });

  it("has a key of its own each time it is made", () => {
    expect(acknowledgeMany(["A-1"], "").key).not.toBe(acknowledgeMany(["A-1"], "").key);
    expect(act("A/1", "out_of_service", {}).path).toBe("/alarms/A%2F1/out-of-service");
  });
});
