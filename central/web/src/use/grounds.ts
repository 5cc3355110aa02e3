/** Why an alarm is judged by just this rule: its kind and inputs, and what was weighed against it at its point. */

import { type Ref, computed, ref, watch } from "vue";
import * as calls from "../api/alarmCalls";
import type { Episode, HoldingRule, JudgedBy } from "../api/types";
import { isOfObject } from "../logic/order";
import { type Load, useLoad } from "./load";

export interface Grounds {
  rule: Ref<JudgedBy | null>;
  holding: Ref<HoldingRule | null>;
  ofObject: Ref<boolean>;
  load: Load;
}

export function useGrounds(episode: Ref<Episode | null>): Grounds {
  const rule = ref<JudgedBy | null>(null);
  const holding = ref<HoldingRule | null>(null);
  const ofObject = computed(() => !!episode.value && isOfObject(episode.value));
  const load = useLoad(async (signal) => {
    const asked = episode.value;
    if (!asked || asked.fault) return;
    const [judged, at] = await Promise.all([calls.judgedBy(asked.id, signal), isOfObject(asked) ? null : calls.pointRules(asked.point, signal)]);
    rule.value = judged;
    holding.value = at?.rules.find((each) => each.engine_rule === asked.rule) ?? null;
  });
  watch(
    () => episode.value?.id,
    () => {
      [rule.value, holding.value] = [null, null];
      void load.run();
    },
  );
  return { rule, holding, ofObject, load };
}
