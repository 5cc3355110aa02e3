/** One act on an alarm or a rule: sent once however often it has to be sent, its answer taken into the page. */

import { ref } from "vue";
import * as calls from "../api/alarmCalls";
import { ApiError } from "../api/client";
import type { Episode, OverlayDone } from "../api/types";
import { useConsole } from "../store/console";
import { useActRefusal } from "./actRefusal";

export interface Answered {
  /** the shelf request that waits for a second person; null: it is done */
  request: number | null;
}

const isOverlay = (answer: calls.Acted): answer is OverlayDone => "overlay" in answer;
const isBulk = (answer: calls.Acted): answer is calls.Bulk => "items" in answer;

export function useActs() {
  const { take, lay } = useConsole();
  const refusal = useActRefusal();
  const busy = ref(false);
  const refused = ref("");
  /** The attempt nobody answered: sent again it is the same one. */
  let open: calls.Attempt | null = null;
  const pending = ref(false);

  /** Do it; null where it was refused, with `refused` saying why. */
  async function perform(wanted: calls.Attempt): Promise<Answered | null> {
    if (busy.value) return null;
    const same = open && open.path === wanted.path && JSON.stringify(open.body) === JSON.stringify(wanted.body);
    const attempt = same && open ? open : wanted;
    busy.value = true;
    refused.value = "";
    try {
      const answer = await calls.send<Episode | OverlayDone>(attempt);
      [open, pending.value] = [null, false];
      return taken(answer);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const nobody = calls.unheard(error);
      [open, pending.value] = [nobody ? attempt : null, nobody];
      refused.value = refusal(error);
      return null;
    } finally {
      busy.value = false;
    }
  }
  function taken(answer: Episode | OverlayDone): Answered {
    if (isBulk(answer as calls.Acted)) return { request: null };
    if (!isOverlay(answer)) {
      take(answer);
      return { request: null };
    }
    // a request only waits: nothing lies there yet
    if (answer.request === null || answer.overlay.layers.length) lay(answer.overlay);
    if (answer.alarm) take({ ...answer.alarm, overlays: answer.overlay.layers });
    return { request: answer.overlay.layers.some((layer) => layer.name === "SHELVED") ? null : answer.request };
  }
  function reset(): void {
    [open, pending.value, refused.value] = [null, false, ""];
  }
  return { perform, busy, refused, pending, reset };
}
