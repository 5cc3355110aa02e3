/** The collector's sentence of an alarm, without what stands before its place: level and time. */

const BEFORE = /^(?:【[^】]*】)+(?:(?:\d{4}-)?\d\d-\d\d )?\d\d:\d\d(?::\d\d)? ?|^(?:\[[^\]]*\] ?)+(?:(?:\d{4}-)?\d\d-\d\d )?\d\d:\d\d(?::\d\d)? ?/;

export const factOf = (sentence: string): string => sentence.replace(BEFORE, "");
