/** What a rule asks people to do when it raises: drafts by level ("" is the rule's own), and what is none. */

import type { Request, RuleDocument } from "./rules";

/** characters of each; the collector refuses more */
export const LONGEST = { zh: 40, en: 100 } as const;
const NEVER = /[\n\r\t{}【】!！]/u;

export interface RequestDraft {
  zh: string;
  en: string;
}
export type RequestDrafts = Record<string, RequestDraft>;

const drafted = (request: Request | undefined): RequestDraft => ({ zh: request?.zh ?? "", en: request?.en ?? "" });

export const requestDrafts = (document: RuleDocument): RequestDrafts =>
  Object.fromEntries([["", drafted(document.request)], ...document.levels.map((level) => [level.name, drafted(level.request)] as const)]);

/** Whether the collector would refuse what was typed. */
export function wrongRequest({ zh, en }: RequestDraft): boolean {
  const length = (text: string) => [...text.trim()].length;
  return length(zh) > LONGEST.zh || length(en) > LONGEST.en || NEVER.test(zh) || NEVER.test(en) || (!zh.trim() && !!en.trim());
}

const said = ({ zh, en }: RequestDraft): Request | undefined => {
  if (!zh.trim()) return undefined;
  return en.trim() ? { zh: zh.trim(), en: en.trim() } : { zh: zh.trim() };
};

/** The document with the requests as drafted; one that is empty is none. */
export function withRequests(document: RuleDocument, drafts: RequestDrafts): RuleDocument {
  const put = <T extends { request?: Request }>(of: T, draft: RequestDraft | undefined): T => {
    const { request: _, ...rest } = of;
    const next = draft && said(draft);
    return (next ? { ...rest, request: next } : rest) as T;
  };
  return { ...put(document, drafts[""]), levels: document.levels.map((level) => put(level, drafts[level.name])) };
}
