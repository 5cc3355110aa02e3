/** Numbers and names of the domains, and what is measured, by the catalogue the collector uses. */

import quantities from "../../../../protocols/catalogue/quantities.json";
import { language } from "./index";
import { DOMAINS } from "./places";

/** By number, 1 to 15. */
export const DOMAIN_NAMES = Object.keys(DOMAINS);
const KNOWN = new Map(quantities.map((each) => [each.name, each]));

export function domainOf(number: number | string | null): string {
  const name = DOMAIN_NAMES[Number(number) - 1];
  return name ? (DOMAINS[name]?.[language()] ?? name) : "";
}
export const quantityName = (name: string): string => KNOWN.get(name)?.[language()] ?? name;
