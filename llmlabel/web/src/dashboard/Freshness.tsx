import type { VNode } from "preact";
import { useKeys } from "../keys";
import { ago } from "./formats";
import { EVERY, LATE, useNow } from "./polling";

interface Props {
  /** When the oldest number on the page was told. */
  at: number | null;
  problem: string | null;
  asking: boolean;
  again(): void;
}

/** How old the numbers are; says aloud only when they stop coming. */
export function Freshness({ at, problem, asking, again }: Props): VNode {
  const now = useNow();
  useKeys([{ group: "Quality", keys: ["r"], label: "Ask for new numbers", run: again }]);
  const old = at !== null && now - at > LATE;
  const words = at === null ? "" : `Updated ${ago(at, now)}`;
  return (
    <div class="row freshness small">
      <span role="status" class={problem || old ? "status status-away" : "soft"}>
        {problem && at !== null && `Not up to date. ${problem}`}
      </span>
      <span class={old ? "freshness-old" : "soft"} title={`They are asked for every ${EVERY / 1000} s while the page is in sight.`}>
        {words}
      </span>
      <button type="button" class="button tool" onClick={again} aria-disabled={asking}>
        Refresh <kbd aria-hidden="true">R</kbd>
      </button>
    </div>
  );
}
