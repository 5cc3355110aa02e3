/** The collector's sentence of an alarm, without what stands before its place: level and time. */

const TIME = String.raw`(?:(?:\d{4}-)?\d\d-\d\d )?\d\d:\d\d(?::\d\d)?`;
const BEFORE = new RegExp(String.raw`^(?:【[^】]*】|\[[^\]]*\] ?)+${TIME}(?: ?[–-] ?${TIME})? ?`);

export const factOf = (sentence: string): string => sentence.replace(BEFORE, "");
