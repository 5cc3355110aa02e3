/** The schematic map: equal kilometres on both axes, a graticule, a scale bar. No boundary is ever drawn. */

export interface Place {
  longitude: number;
  latitude: number;
}

export interface Projection {
  x(longitude: number): number;
  y(latitude: number): number;
  /** pixels of one kilometre */
  kilometre: number;
  west: number;
  east: number;
  south: number;
  north: number;
}

const KM_PER_DEGREE = 111.32;
const SMALLEST_DEGREES = 0.08;

/** Fit the places into width x height (pixels) with a margin, about their middle latitude. */
export function project(places: Place[], width: number, height: number, margin: number): Projection {
  const [west, east] = span(places.map((place) => place.longitude), 115.36);
  const [south, north] = span(places.map((place) => place.latitude), 22.78);
  const shrink = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const inner = { width: Math.max(1, width - 2 * margin), height: Math.max(1, height - 2 * margin) };
  const perDegree = Math.min(inner.width / ((east - west) * shrink), inner.height / (north - south));
  const middle = { longitude: (west + east) / 2, latitude: (south + north) / 2 };
  const x = (longitude: number) => width / 2 + (longitude - middle.longitude) * shrink * perDegree;
  const y = (latitude: number) => height / 2 - (latitude - middle.latitude) * perDegree;
  const half = { longitude: width / 2 / (shrink * perDegree), latitude: height / 2 / perDegree };
  return {
    x,
    y,
    kilometre: perDegree / KM_PER_DEGREE,
    west: middle.longitude - half.longitude,
    east: middle.longitude + half.longitude,
    south: middle.latitude - half.latitude,
    north: middle.latitude + half.latitude,
  };
}

function span(values: number[], otherwise: number): [number, number] {
  const low = values.length ? Math.min(...values) : otherwise;
  const high = values.length ? Math.max(...values) : otherwise;
  const missing = Math.max(0, SMALLEST_DEGREES - (high - low)) / 2;
  return [low - missing, high + missing];
}

/** Lines of the graticule between two degrees, at most `most` of them, at a round step. */
export function graticule(from: number, to: number, most: number): number[] {
  const step = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5].find((degrees) => (to - from) / degrees <= most) ?? 10;
  const lines: number[] = [];
  for (let index = Math.ceil(from / step); index * step <= to; index += 1) {
    lines.push(Number((index * step).toFixed(3)));
  }
  return lines;
}

/** The longest round distance that fits into `pixels`: its kilometres and its length in pixels. */
export function scaleBar(kilometre: number, pixels: number): { km: number; pixels: number } {
  const fits = [100, 50, 20, 10, 5, 2, 1, 0.5].find((km) => km * kilometre <= pixels) ?? 0.5;
  return { km: fits, pixels: fits * kilometre };
}
