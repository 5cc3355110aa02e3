/** Sentences the collector and the gateways share with the page: code to sentence, with {param}. */

import { language } from "./index";

type Sentences = Record<string, string>;
const files = import.meta.glob<{ default: Sentences }>(
  ["../../../../protocols/texts/*/device.json", "../../../../protocols/texts/*/gateway.json", "../../../../protocols/texts/*/collector.json"],
  { eager: true },
);

function of(which: "zh" | "en"): Sentences {
  const mine = Object.entries(files).filter(([path]) => path.includes(`/texts/${which}/`));
  return Object.assign({}, ...mine.map(([, file]) => file.default)) as Sentences;
}

const CATALOGUE = { zh: of("zh"), en: of("en") };

/** The sentence of a code with its parameters filled in, or null when there is none. */
export function sentence(code: string, params: Record<string, unknown> = {}): string | null {
  const text = CATALOGUE[language()][code];
  return text === undefined ? null : text.replace(/\{(\w+)\}/g, (hole, name: string) => String(params[name] ?? hole));
}
