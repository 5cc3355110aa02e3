/** The collector's sentence of an alarm from its place on: level and time have columns of their own. */

const TIME = String.raw`(?:(?:\d{4}-)?\d\d-\d\d )?\d\d:\d\d(?::\d\d)?`;
const BEFORE = new RegExp(String.raw`^(?:【[^】]*】|\[[^\]]*\] ?)+${TIME}(?: ?[–-] ?${TIME})? ?`);

/** Messages cut a long place so that its value comes early; where there is room it stands whole. */
export function factOf(sentence: string, place = ""): string {
  const fact = sentence.replace(BEFORE, "");
  const cut = fact.indexOf("…");
  return cut > 0 && place.startsWith(fact.slice(0, cut)) ? place + fact.slice(cut + 1) : fact;
}
