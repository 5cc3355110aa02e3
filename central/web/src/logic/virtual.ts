/** Virtual gateways: the form that makes one, and what stands in the curl example. */

import { NAME } from "./enrolment";

export interface VirtualForm {
  name: string;
  zh: string;
  en: string;
  sites: string;
  silent: string;
}
export type VirtualFault = "name" | "zh" | "sites" | "silent";

/** Short names separated by commas of either width, blanks or lines; each once. */
export const sitesOf = (text: string): string[] => [...new Set(text.split(/[\s,，、;；]+/).filter(Boolean))];

export function virtualFaults(form: VirtualForm): VirtualFault[] {
  const found: VirtualFault[] = [];
  if (!NAME.test(form.name.trim())) found.push("name");
  if (form.en.trim() && !form.zh.trim()) found.push("zh");
  const sites = sitesOf(form.sites);
  if (!sites.length || !sites.every((site) => NAME.test(site))) found.push("sites");
  const seconds = Number(form.silent);
  if (!Number.isInteger(seconds) || seconds < 30 || seconds > 604_800) found.push("silent");
  return found;
}

export function virtualAsked(form: VirtualForm): Record<string, unknown> {
  const label = form.zh.trim() ? { label: { zh: form.zh.trim(), en: form.en.trim() } } : {};
  return { name: form.name.trim(), ...label, sites: sitesOf(form.sites), offline_after_s: Number(form.silent) };
}

/** One reading of `point` handed in at `url`, as a shell takes it. */
export const curlExample = (url: string, point: string): string =>
  [
    "NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)",
    `curl -sS --fail-with-body "${url}/api/v1/readings" \\`,
    '  -H "Authorization: Bearer $FENGSUI_TOKEN" -H "Content-Type: application/json" \\',
    '  -H "Idempotency-Key: dcs-$NOW" \\',
    `  -d '{"rows": [{"point": "${point}", "time": "'$NOW'", "value": 12.34}]}'`,
  ].join("\n");
