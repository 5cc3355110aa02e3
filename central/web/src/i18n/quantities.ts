/** What can be measured, by the catalogue the collector uses: units, and groups to choose from. */

import quantities from "../../../../protocols/catalogue/quantities.json";
import { language } from "./index";
import { DOMAINS } from "./places";

const UNITS = new Map(quantities.map((each) => [each.name, each.units]));

/** The units a quantity is measured in; of a state or a text the one without a name. */
export function unitsOf(name: string): string[] {
  const found = UNITS.get(name) ?? [];
  return found.length ? found : [""];
}

export interface QuantityGroup {
  label: string;
  options: { value: string; text: string }[];
}
/** Every quantity to choose from: first what is connected, then the rest by the first domain it is of. */
export function quantityGroups(connected: ReadonlySet<string>, first: string): QuantityGroup[] {
  const text = (each: (typeof quantities)[number]) => `${each[language()]}${each.units[0] ? ` (${each.units[0]})` : ""}`;
  const sorted = (found: typeof quantities) => found.map((each) => ({ value: each.name, text: text(each) })).sort((a, b) => a.text.localeCompare(b.text, "zh"));
  const here = { label: first, options: sorted(quantities.filter((each) => connected.has(each.name))) };
  const rest = Object.entries(DOMAINS).map(([name, said]) => ({
    label: said[language()],
    options: sorted(quantities.filter((each) => !connected.has(each.name) && each.domains[0] === name)),
  }));
  return [here, ...rest].filter((group) => group.options.length);
}
