import { describe, expect, it } from "vitest";
import { placeLabels, textWidth } from "../src/logic/labels";
import { graticule, project, scaleBar } from "../src/logic/map";

const SHANWEI = [
  { longitude: 115.62, latitude: 23.27 },
  { longitude: 115.57, latitude: 22.68 },
  { longitude: 115.32, latitude: 22.97 },
];

describe("schematic map", () => {
  it("keeps a kilometre equal on both axes", () => {
    const space = project(SHANWEI, 600, 400, 60);
    const middle = (space.south + space.north) / 2;
    const east = space.x(115.5) - space.x(115.4);
    const north = space.y(22.9) - space.y(23.0);
    expect(east / north).toBeCloseTo(Math.cos((middle * Math.PI) / 180), 6);
    expect(north).toBeCloseTo(space.kilometre * 11.132, 6);
  });

  it("holds every place inside its margin", () => {
    const space = project(SHANWEI, 600, 400, 60);
    for (const place of SHANWEI) {
      expect(space.x(place.longitude)).toBeGreaterThanOrEqual(59.9);
      expect(space.x(place.longitude)).toBeLessThanOrEqual(540.1);
      expect(space.y(place.latitude)).toBeGreaterThanOrEqual(59.9);
      expect(space.y(place.latitude)).toBeLessThanOrEqual(340.1);
    }
  });

  it("stands with one place and with none", () => {
    expect(project([SHANWEI[0] as (typeof SHANWEI)[0]], 600, 400, 60).x(115.62)).toBeCloseTo(300);
    expect(Number.isFinite(project([], 600, 400, 60).kilometre)).toBe(true);
  });

  it("draws its graticule at round degrees, not too many", () => {
    expect(graticule(115.03, 115.97, 6)).toEqual([115.2, 115.4, 115.6, 115.8]);
  });

  it("has a scale bar of a round length that fits", () => {
    expect(scaleBar(4, 120)).toEqual({ km: 20, pixels: 80 });
  });
});

describe("names on the map", () => {
  const named = (key: string, x: number, over = {}) => ({ key, text: "红海湾油库", x, y: 100, radius: 10, ...over });
  it("never lie on each other", () => {
    const placed = placeLabels([named("a", 200), named("b", 215)], [], 600, 400);
    expect(placed.map((label) => label.key)).toEqual(["a", "b"]);
    expect(new Set(placed.map((label) => label.anchor)).size).toBe(2);
  });
  it("give way where there is no room, unless they must stand", () => {
    const full = [{ x: 0, y: 0, width: 600, height: 400 }];
    expect(placeLabels([named("a", 200)], full, 600, 400)).toEqual([]);
    expect(placeLabels([named("a", 200, { always: true })], full, 600, 400)).toHaveLength(1);
  });
  it("stay inside the map", () => {
    expect(placeLabels([named("a", 590)], [], 600, 400)[0]?.anchor).toBe("end");
  });
  it("count a CJK letter as square", () => expect(textWidth("陆河ab")).toBe(2 * 13 + 2 * 7));
});
