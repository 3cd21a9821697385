import type { Answer, Review, VerdictKind } from "../api/types";

export interface Decision {
  kind: VerdictKind;
  answer?: Answer;
  comment?: string;
}

/** What every task component gets. `draft` is the answer as it stands on the screen. */
export interface TaskProps {
  item: Review;
  draft: Answer | null;
  /** Null while what stands there is not a whole answer. */
  onDraft(answer: Answer | null): void;
  onDecide(decision: Decision): void;
}
