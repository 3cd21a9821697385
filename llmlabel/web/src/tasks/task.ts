import type { Answer, Review, VerdictKind } from "../api/types";
import { sameAnswer } from "../text/answers";

export interface Decision {
  kind: VerdictKind;
  answer?: Answer;
  comment?: string;
}

/** What has to be done before the answer is sent; `go` does the next of it, as Enter does. */
export interface Pending {
  words: string;
  /** It is not what most items need, so that the button does not ask for it. */
  quiet: boolean;
  go(): void;
}

/** The decision that an answer makes: the proposed one is confirmed. */
export function decisionOf({ blind, proposal }: Review, answer: Answer): Decision {
  const confirms = !blind && sameAnswer(answer, proposal?.answer ?? null);
  return confirms ? { kind: "confirm" } : { kind: "correct", answer };
}

/** What every task component gets. `draft` is the answer as it stands on the screen. */
export interface TaskProps {
  item: Review;
  draft: Answer | null;
  /** What there is of an answer that is not whole yet, so that a reload loses nothing of it. */
  begun: Answer | null;
  /** Null while what stands there is not a whole answer; then `begun` is what there is of it. */
  onDraft(answer: Answer | null, begun?: Answer): void;
  onPending(pending: Pending | null): void;
  onDecide(decision: Decision): void;
}
