import { describe, expect, it } from "vitest";
import { NO_FILTER, filterAlarms, filterPoints } from "../src/logic/filter";
import { matrix, total } from "../src/logic/matrix";
import { isStale, look, reasonKey } from "../src/logic/quality";
import { newest } from "../src/use/words";
import { episode, latest, level, point, site } from "./made";

const NOW = Date.parse("2026-06-12T22:00:20+08:00");
const bad = { code: 0x800a0000, class: "bad", reason: "BAD_TIMEOUT" } as const;

describe("how a value looks", () => {
  it("is plain while it is good and young", () => expect(look(latest(), point(), NOW)).toBe("good"));
  it("is stale at the point's own limit, whatever its quality was", () => {
    expect(isStale(latest(), point({ stale: 20 }), NOW)).toBe(false);
    expect(isStale(latest(), point({ stale: 19 }), NOW)).toBe(true);
    expect(look(latest({ quality: bad }), point({ stale: 19 }), NOW)).toBe("stale");
  });
  it("is bad, uncertain, late or none as it came", () => {
    expect(look(latest({ quality: bad }), point(), NOW)).toBe("bad");
    expect(look(latest({ quality: { code: 0x40930000, class: "uncertain", reason: null } }), point(), NOW)).toBe("uncertain");
    expect(look(latest({ late: true }), point(), NOW)).toBe("late");
    expect(look(undefined, point(), NOW)).toBe("none");
  });
  it("has words for StatusCodes, and for their class where the code is unknown", () => {
    expect(reasonKey({ ...bad })).toBe("BAD_TIMEOUT");
    expect(reasonKey({ code: 0x800a0480, class: "bad", reason: null })).toBe("BAD_TIMEOUT");
    expect(reasonKey({ code: 0x81110000, class: "bad", reason: null })).toBe("BAD");
    expect(reasonKey({ code: 0, class: "good", reason: null })).toBe("GOOD");
  });
  it("in an alarm's row is the newer of the live one and the alarm's own", () => {
    const own = episode({ value: 13.9, value_time: "2026-06-12T22:00:10+08:00", value_quality: { code: 0, class: "good", reason: null } });
    expect(newest(own, latest({ value: 13.8 }))?.value).toBe(13.9);
    expect(newest(own, latest({ value: 14, source_time: "2026-06-12T22:00:11+08:00" }))?.value).toBe(14);
    expect(newest(episode(), undefined)).toBeUndefined();
  });
});

describe("filters", () => {
  const sites = [site({ name: "a", region: "441502" }), site({ name: "b", region: "441521", domain: "urban_fire" })];
  const list = [
    episode({ id: "1", site: "a", level: level({ colour: "red" }), label: { zh: "液位", en: "Level" } }),
    episode({ id: "2", site: "b", level: level({ colour: "yellow" }), state: "ACKED", label: { zh: "感烟 02-037", en: "" } }),
  ];
  const none = { state: "open", ...NO_FILTER };
  const ids = (over: Partial<typeof none>) => filterAlarms(list, { ...none, ...over }, sites).map((item) => item.id);
  it.each([
    [{}, ["1", "2"]],
    [{ state: "unacknowledged" }, ["1"]],
    [{ level: "yellow" }, ["2"]],
    [{ region: "441521" }, ["2"]],
    [{ domain: "urban_fire", region: "441502" }, []],
    [{ site: "a" }, ["1"]],
    [{ q: "level" }, ["1"]],
    [{ q: "02-037" }, ["2"]],
  ])("%o leaves %o", (over, left) => expect(ids(over)).toEqual(left));

  it("find the points that are not plainly good", () => {
    const points = [point(), point({ id: "s/g/d/q" }), point({ id: "s/g/d/none" })];
    const values = { "s/g/d/p": latest(), "s/g/d/q": latest({ quality: bad }) };
    expect(filterPoints(points, values, "", true, NOW).map((item) => item.id)).toEqual(["s/g/d/q", "s/g/d/none"]);
    expect(filterPoints(points, values, "d/q", false, NOW).map((item) => item.id)).toEqual(["s/g/d/q"]);
  });
});

describe("matrix", () => {
  const counts = (red: number, orange: number, yellow: number) => ({ red, orange, yellow, blue: 0 });
  const sites = [
    site({ name: "a", region: "x", levels: counts(0, 2, 0), open: 2, unacknowledged: 1 }),
    site({ name: "b", region: "x", levels: counts(0, 0, 1), open: 1, blind: true }),
    site({ name: "c", region: "y", levels: counts(1, 0, 0), open: 1, unacknowledged: 1 }),
    site({ name: "d", region: "z" }),
  ];
  it("sums sites by key, the worst row first", () => {
    const rows = matrix(sites, (item) => item.region);
    expect(rows.map((row) => [row.key, row.open, row.blind])).toEqual([["y", 1, 0], ["x", 3, 1], ["z", 0, 0]]);
    expect(rows[1]?.levels).toEqual(counts(0, 2, 1));
  });
  it("has a sum row", () => expect(total(sites)).toMatchObject({ open: 4, unacknowledged: 2, blind: 1, sites: 4 }));
});
