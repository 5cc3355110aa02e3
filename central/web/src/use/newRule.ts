/** The form of a new rule: what is typed, what the collector says of it, tried before it is saved. */

import { computed, reactive, ref, shallowRef, watch } from "vue";
import { useI18n } from "vue-i18n";
import { ApiError } from "../api/client";
import * as calls from "../api/ruleCalls";
import { unitsOf } from "../i18n/quantities";
import { type Drafted, type KindName, drafted, fieldOf, freeId, inputsFor, levelFor, measured, missing, ruleDocument, several } from "../logic/newRule";
import { useRefusal } from "./refusal";
import { useRuleWords } from "./ruleWords";

export interface Where {
  scope: calls.ScopeName;
  site: string;
  at: string;
}

export function useNewRule(kind: KindName, taken: () => ReadonlySet<string>) {
  const { t } = useI18n();
  const said = useRefusal();
  const { problemText } = useRuleWords();
  const draft = reactive<Drafted>(drafted(kind));
  const where = reactive<Where>({ scope: "domain", site: "", at: "" });
  const reason = ref("");
  const named = ref(false);
  const busy = ref(false);
  const faults = ref<Record<string, string>>({});
  const others = ref<string[]>([]);
  const trial = shallowRef<calls.Trial | null>(null);
  const tried = ref("");
  const half = ref("");
  const document = computed(() => ruleDocument(draft));
  const present = computed(() => JSON.stringify([document.value, where.scope, where.at]));
  /** What was tried is what would be saved. */
  const current = computed(() => trial.value !== null && tried.value === present.value);

  watch(() => [draft.kind, draft.quantities[0], taken().size], () => named.value || (draft.id = freeId(draft.kind, measured(draft) ? (draft.quantities[0] ?? "") : "", taken())), { immediate: true });
  watch(() => draft.quantities[0] ?? "", (name) => {
    const units = unitsOf(name);
    if (measured(draft) && !units.includes(draft.unit)) draft.unit = units[0] ?? "";
  });
  watch(() => draft.kind, (now) => {
    draft.inputs = inputsFor(now);
    draft.levels = [levelFor(now)];
    if (several(draft) && (where.scope === "point" || where.scope === "profile")) where.scope = "object";
  });

  /** Note what is not there yet; true: all is. */
  function complete(): boolean {
    const found: Record<string, string> = {};
    for (const at of missing(draft)) found[at] = t(/limit$|deadband$|delay$/.test(at) ? "newRule.need.number" : /quantity|point|kind/.test(at) ? "newRule.need.choice" : "newRule.need.text");
    if (!where.at) found["at"] = t("rules.named.form.need.at");
    faults.value = found;
    others.value = [];
    return !Object.keys(found).length;
  }
  function refuse(error: ApiError): void {
    const problems = error.params["problems"];
    const found: Record<string, string> = {};
    const rest: string[] = [];
    if (error.code === "RULE_EXISTS") found["id"] = said(error);
    else if (!Array.isArray(problems) || !problems.length) rest.push(said(error));
    else for (const each of problems as calls.Problem[]) {
      const at = fieldOf(each.at, draft);
      if (found[at]) rest.push(`${each.at} · ${problemText(each)}`);
      else found[at] = problemText(each);
    }
    faults.value = found;
    others.value = rest;
  }
  async function asked<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (busy.value) return undefined;
    busy.value = true;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refuse(error);
      return undefined;
    } finally {
      busy.value = false;
    }
  }
  async function attempt(): Promise<void> {
    trial.value = null;
    if (!complete()) return;
    const what = present.value;
    const found = await asked(() => calls.attempt(document.value, where.scope, where.at));
    if (!found) return;
    [trial.value, tried.value] = [found, what];
  }
  /** Save it as it was tried, then attach it; nobody answers for it yet. Its id, or nothing. */
  async function save(): Promise<string | undefined> {
    if (!current.value || !complete()) return undefined;
    if (!reason.value.trim()) {
      faults.value = { reason: t("rules.drill.need.reason") };
      return undefined;
    }
    const made = await asked(() => calls.create(document.value, reason.value.trim()));
    if (!made) return undefined;
    const attached = await asked(() => calls.attach({ rule: made.id, scope: where.scope, at: where.at, quantities: [], reason: reason.value.trim() }));
    if (!attached) half.value = made.id;
    return made.id;
  }
  return { draft, where, reason, named, busy, faults, others, trial, current, half, attempt, save };
}
