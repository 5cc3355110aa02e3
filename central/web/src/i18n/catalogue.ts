/** Sentences the collector and the gateways share with the page: code to sentence, with {param}. */

import { moment } from "../logic/time";
import { language } from "./index";
import { pieceWord, reasonWord, storeReason } from "./reasons";

type Sentences = Record<string, string>;
const files = import.meta.glob<{ default: Sentences }>(
  "../../../../protocols/texts/*/{device,gateway,collector,backup,guards,signing,enrolment,tls,evidence,door,queries,export,retention,space,store,alarm_acts,rules,config}.json",
  { eager: true },
);

function of(which: "zh" | "en"): Sentences {
  const mine = Object.entries(files).filter(([path]) => path.includes(`/texts/${which}/`));
  return Object.assign({}, ...mine.map(([, file]) => file.default)) as Sentences;
}

const CATALOGUE = { zh: of("zh"), en: of("en") };

const SET_ASIDE = "STORE_SET_ASIDE";
const TIME = /^\d{4}-\d\d-\d\dT/;
/** Gateways state moments in microseconds; the API writes its own as RFC 3339. */
const MICROSECONDS = new Set(["since", "at", "oldest"]);
function shown(code: string, name: string, value: unknown, now: number): string {
  if (name === "reason" && typeof value === "string") return code === SET_ASIDE ? storeReason(value) : reasonWord(value);
  if (name === "what" && typeof value === "string") return pieceWord(value);
  const iso = typeof value === "number" && MICROSECONDS.has(name) ? new Date(value / 1000).toISOString() : value;
  return typeof iso === "string" && TIME.test(iso) ? moment(iso, now) : String(value);
}

/** The sentence of a code with its parameters filled in, or null when there is none; times relative to `now`. */
export function sentence(code: string, params: Record<string, unknown> = {}, now = Date.now()): string | null {
  const text = CATALOGUE[language()][code];
  if (text === undefined) return null;
  const { cause, ...own } = params;
  // a sentence of its own stands where the reason would
  const because = typeof cause === "string" ? (sentence(cause, own, now) ?? cause).replace(/[。.]$/, "") : null;
  return text.replace(/\{(\w+)\}/g, (hole, name: string) => {
    if (name === "reason" && because !== null) return because;
    return name in params ? shown(code, name, params[name], now) : hole;
  });
}
