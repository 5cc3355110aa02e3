/** Rules in the words of the page's language. */

import { useI18n } from "vue-i18n";
import type { Attachment, LibraryRule, Problem, ScopeName } from "../api/ruleCalls";
import { language, nameOf } from "../i18n";
import { sentence } from "../i18n/catalogue";
import { domainOf } from "../i18n/domains";
import { formatNumber, sign, unitText } from "../logic/number";
import { type Difference, type RuleDocument, type RuleLevel, statusOf } from "../logic/rules";
import { useConsole } from "../store/console";

const SPANS: [number, "d" | "h" | "min"][] = [[86_400, "d"], [3_600, "h"], [60, "min"]];

export function useRuleWords() {
  const { t, te } = useI18n();
  const { site, state } = useConsole();
  const unit = (text: string | undefined): string => unitText(text ?? "", language());
  const figure = (value: number): string => formatNumber(value, null);
  const documentOf = (rule: LibraryRule): RuleDocument => rule.current.rule as unknown as RuleDocument;
  const ruleName = (document: RuleDocument): string => nameOf(document.label, document.id);
  const kindName = (document: RuleDocument): string => t(`rules.kind.${document.kind ?? "limit"}`);

  /** `90 s`, `10 min`, `3 h`, `1 d` */
  function span(seconds: number): string {
    const [size, word] = SPANS.find(([each]) => seconds >= each && seconds % each === 0) ?? [1, "s"];
    return `${figure(seconds / size)} ${word}`;
  }
  function levelName(level: Pick<RuleLevel, "name" | "name_en">): string {
    if (te(`limit.${level.name}`)) return `${level.name} ${t(`limit.${level.name}`)}`;
    return (language() === "en" && level.name_en) || level.name;
  }
  /** `≥ 8.5 m` */
  const limitText = (level: Pick<RuleLevel, "op" | "limit">, of: string | undefined): string =>
    level.limit === null ? "" : [sign(level.op), figure(level.limit), unit(of)].filter(Boolean).join(" ");
  const sourceText = (level: RuleLevel, document: RuleDocument): string =>
    [level.source || document.source, level.clause].filter(Boolean).join(" ");

  function placeText(scope: ScopeName, at: string): string {
    if (scope === "domain") return domainOf(at) || at;
    if (scope === "site") return nameOf(site(at)?.label ?? null, at);
    if (scope === "profile") return at;
    const [first = "", ...rest] = at.split("/");
    const inner = scope === "object" ? Object.values(state.points).find((point) => point.site === first && point.object === rest.join("/"))?.object_label : state.points[at]?.label;
    return [nameOf(site(first)?.label ?? null, first), nameOf(inner ?? null, rest.join(" / "))].join(" / ");
  }
  const attachedAt = (each: Attachment): string => placeText(each.scope, each.at);

  /** A fault as a sentence; what is allowed stands in it. */
  function problemText(problem: Problem): string {
    const allowed = problem.allowed.join(language() === "zh" ? "、" : ", ");
    return sentence(problem.code, { key: problem.at, ...problem.params, allowed }) ?? `${problem.code} ${allowed}`.trim();
  }

  const fieldName = (field: string): string => (te(`rules.field.${field}`) ? t(`rules.field.${field}`) : field);
  function valueText(field: string, value: unknown): string {
    if (value === null || value === undefined || value === "") return "—";
    if (typeof value === "number") return ["on_delay", "off_delay", "window"].includes(field) ? span(value) : figure(value);
    if (field === "status" && typeof value === "string") return t(`rules.status.${value}`);
    if (field === "colour" && typeof value === "string") return t(`level.${value}`);
    if (["label", "note", "request"].includes(field)) return nameOf(value as { zh: string; en: string }, "—");
    return typeof value === "string" ? value : JSON.stringify(value);
  }
  /** `H 阈值 8.5 → 8.6` */
  function changeText(one: Difference): string {
    const said = { level: one.level, field: fieldName(one.field), before: valueText(one.field, one.before), after: valueText(one.field, one.after) };
    return t("rules.drill.change", said).trim();
  }
  const statusWord = (level: RuleLevel): string => t(`rules.status.${statusOf(level)}`);
  const statusLong = (level: RuleLevel): string => t(`rules.statusLong.${statusOf(level)}`);
  return { unit, figure, documentOf, ruleName, kindName, span, levelName, limitText, sourceText, placeText, attachedAt, problemText, changeText, statusWord, statusLong };
}
