/** An act on rules with what was refused in words: each fault by itself, and who was faster. */

import { ref, shallowRef } from "vue";
import { ApiError } from "../api/client";
import type { Problem } from "../api/ruleCalls";
import { useRefusal } from "./refusal";
import { useRuleWords } from "./ruleWords";

export interface Conflict {
  by: string;
  version: number;
}

export function useRuleAct() {
  const said = useRefusal();
  const { problemText } = useRuleWords();
  const busy = ref(false);
  const refused = ref<string[]>([]);
  const conflict = shallowRef<Conflict | null>(null);

  function told(error: ApiError): string[] {
    const problems = error.params["problems"];
    if (!Array.isArray(problems) || !problems.length) return [said(error)];
    return (problems as Problem[]).map((each) => [each.at, problemText(each)].filter(Boolean).join(" · "));
  }
  async function act<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (busy.value) return undefined;
    busy.value = true;
    clear();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "RULE_CHANGED_MEANWHILE") conflict.value = { by: String(error.params["by"]), version: Number(error.params["version"]) };
      else refused.value = told(error);
      return undefined;
    } finally {
      busy.value = false;
    }
  }
  function clear(): void {
    refused.value = [];
    conflict.value = null;
  }
  return { busy, refused, conflict, act, clear, told };
}
