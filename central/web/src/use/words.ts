/** Alarms and values in the words of the page's language. */

import { useI18n } from "vue-i18n";
import type { Episode, Level, Point, Quality, Shown, Value } from "../api/types";
import { language, nameOf } from "../i18n";
import { enumerationWord, formatNumber, sign } from "../logic/number";
import { reasonKey } from "../logic/quality";
import { joinTitle } from "../logic/title";

export interface Shape {
  decimals: number | null;
  type?: string;
  enumeration?: Point["enumeration"] | null;
}

export function useWords() {
  const { t, te } = useI18n();

  /** A value without its unit; digital values by their words. */
  function valueText(value: Value, shape: Shape): string {
    if (value === null) return "—";
    const word = enumerationWord(value, shape.enumeration);
    if (word) return nameOf(word);
    if (typeof value === "boolean") return t(value ? "digital.on" : "digital.off");
    if (shape.type === "bool") return t(value ? "digital.on" : "digital.off");
    return typeof value === "number" ? formatNumber(value, shape.decimals) : value;
  }

  /** `≥ 90.0`, `= 动作` */
  const limitText = (level: Level, shape: Shape): string => `${sign(level.op)} ${valueText(level.limit, shape)}`;

  /** 高高报 for HH; a domain's own name in the page's language where it has one */
  function levelName(level: Pick<Level, "name" | "name_en">): string {
    if (te(`limit.${level.name}`)) return t(`limit.${level.name}`);
    return (language() === "en" && level.name_en) || level.name;
  }

  /** The same of a level that is told by its name alone, found in its ladder. */
  const levelNamed = (name: string, ladder: Level[]): string =>
    levelName(ladder.find((level) => level.name === name) ?? { name, name_en: "" });

  /** Title of an alarm: what is measured and which level. */
  const title = (episode: Episode): string => joinTitle(nameOf(episode.label, episode.quantity), levelName(episode.level));

  /** Where: site · object or device. */
  const place = (episode: Episode): string =>
    [...new Set([nameOf(episode.site_label, episode.site), nameOf(episode.object_label) || nameOf(episode.device_label, episode.device)])]
      .filter(Boolean)
      .join(" · ");

  const reason = (quality: Quality): string => {
    const key = quality.reason && te(`reason.${quality.reason}`) ? quality.reason : reasonKey(quality);
    return te(`reason.${key}`) ? t(`reason.${key}`) : t(`quality.${quality.class}`);
  };

  return { valueText, limitText, levelName, levelNamed, title, place, reason };
}

/** The shape of an episode's value: its point's, as far as it is loaded. */
export function shapeOf(episode: Episode, point: Point | undefined): Shape {
  return { decimals: episode.decimals, type: point?.type, enumeration: point?.enumeration ?? null };
}

/** The value an alarm was raised by, as a value without a time. */
export function atRaise(episode: Episode): Shown {
  const good = { code: 0, class: "good" as const, reason: null };
  return { point: "", value: episode.value_at_raise, quality: good, source_time: null, received_time: null, late: false, estimated: false };
}

/** An episode's newest value: the live one when it is newer than what came with the alarm. */
export function newest(episode: Episode, live: Shown | undefined): Shown | undefined {
  const own: Shown | undefined = episode.value_quality
    ? {
        point: episode.point,
        value: episode.value,
        quality: episode.value_quality,
        source_time: episode.value_time,
        received_time: null,
        late: false,
        estimated: false,
      }
    : undefined;
  if (!live?.source_time) return own;
  if (!own?.source_time) return live;
  return Date.parse(live.source_time) >= Date.parse(own.source_time) ? live : own;
}
