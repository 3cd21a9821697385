import type { VNode } from "preact";
import type { Refusal } from "../queue/outbox";
import { useDesk, useSnapshot } from "../queue/desk";
import { go } from "../router";
import { amount } from "../text/amounts";
import { answerInWords } from "../text/answers";

/** Decisions that the service refused, and the warning that some would not outlive the page. */
export function Unsent(): VNode | null {
  const { engine } = useDesk();
  const { refusals, unsent, lasting } = useSnapshot(engine);
  if (!refusals.length && (lasting || !unsent)) return null;
  return (
    <section class="unsent" aria-label="Decisions that were not taken">
      {!lasting && unsent > 0 && (
        <p class="notice notice-warn">
          This browser keeps nothing for the page: leave it open until {amount(unsent, "decision")} could be sent.
        </p>
      )}
      {refusals.map((refusal) => (
        <Refused
          key={refusal.entry.key}
          refusal={refusal}
          onDismiss={() => engine.outbox.dismiss(refusal.entry.key)}
          onReopen={() => {
            void engine.reopen(refusal);
            if (engine.snapshot().phase === "resting") go("review", refusal.entry.guideline);
          }}
        />
      ))}
    </section>
  );
}

interface RefusedProps {
  refusal: Refusal;
  onDismiss(): void;
  onReopen(): void;
}

const SAID = { confirm: "confirmed", correct: "answered", reject: "rejected it", skip: "skipped it" };

function Refused({ refusal: { entry, detail, winner }, onDismiss, onReopen }: RefusedProps): VNode {
  const said = entry.kind === "confirm" || entry.kind === "correct" ? ` ${answerInWords(entry.answer)}` : "";
  return (
    <div class="notice notice-bad refused" role="alert">
      <p>
        <strong>Not taken:</strong> you {SAID[entry.kind]}
        {said && <b>{said}</b>} for “<bdi>{entry.words}</bdi>”.{" "}
        {winner ? (
          <>
            <bdi>{winner.reviewer}</bdi> decided it first: <b>{answerInWords(winner.answer)}</b>.
          </>
        ) : (
          detail
        )}
      </p>
      <span class="row">
        {!winner && (
          <button type="button" class="button" onClick={onReopen}>
            Decide it again
          </button>
        )}
        <button type="button" class="button" onClick={onDismiss}>
          Understood
        </button>
      </span>
    </div>
  );
}
