import type { Quality } from "../api/types";

export type State = Quality["state"];

export const STATE: Record<State, { name: string; tone: string; words: string }> = {
  certified: {
    name: "Certified",
    tone: "good",
    words: "A certificate decides what is accepted without a person.",
  },
  closed: {
    name: "Closed",
    tone: "bad",
    words: "A promise was found broken: everything goes to review.",
  },
  unproved: {
    name: "Unproved",
    tone: "warn",
    words: "Something is promised that nothing proves yet: everything goes to review.",
  },
  threshold: {
    name: "Threshold",
    tone: "plain",
    words: "Nothing is promised: a bare threshold decides what is accepted.",
  },
};

const URGENCY: readonly State[] = ["closed", "unproved", "certified", "threshold"];

/** Whether anything is known of a guideline at all. */
export function isUsed({ counts, last, promise }: Quality): boolean {
  return counts.accepted + counts.review + counts.waiting + counts.decisions > 0 || last !== null || promise !== null;
}

/** Those that need somebody first. */
export function byUrgency(guidelines: readonly Quality[]): Quality[] {
  return [...guidelines].sort(
    (a, b) => URGENCY.indexOf(a.state) - URGENCY.indexOf(b.state) || a.guideline.localeCompare(b.guideline),
  );
}

/** The one that a place names: `sentiment@1.0.0`, or `sentiment` for its newest version. */
export function named(guidelines: readonly Quality[], name: string): Quality | undefined {
  const exact = guidelines.find(({ guideline }) => guideline === name);
  if (exact) return exact;
  const versions = guidelines.filter(({ guideline }) => guideline.startsWith(`${name}@`));
  return versions.sort((a, b) => newer(b.guideline, a.guideline))[0];
}

/** The promise as a sentence, and as commands take it. */
export function promised(promise: NonNullable<Quality["promise"]>): { sentence: string; argument: string } {
  const { kind, error, probability } = promise;
  const what = kind === "delivered" ? "Of all labels delivered" : "Of the labels accepted without a person";
  const percent = (p: number): string => `${Number((p * 100).toPrecision(6))}%`;
  return {
    sentence: `${what}, at most ${percent(error)} are wrong, with probability ${percent(probability)}.`,
    argument: `${kind}:${error}:${probability}`,
  };
}

function newer(a: string, b: string): number {
  const numbers = (ref: string): number[] => (ref.split("@")[1] ?? "").split(".").map(Number);
  const [one, other] = [numbers(a), numbers(b)];
  const at = one.findIndex((each, n) => each !== other[n]);
  return at < 0 ? 0 : (one[at] ?? 0) - (other[at] ?? 0);
}
