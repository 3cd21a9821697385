import type { Answer, Span } from "../api/types";

/** Whether two answers say the same; the order of spans does not matter. */
export function sameAnswer(one: Answer | null, other: Answer | null): boolean {
  if (one === null || other === null) return one === other;
  if (one.kind === "choice" && other.kind === "choice") return one.label === other.label;
  if (one.kind === "transcript" && other.kind === "transcript") return one.text === other.text;
  if (one.kind === "spans" && other.kind === "spans") return sameSpans(one.spans, other.spans);
  if (one.kind === "tokens" && other.kind === "tokens") return sameSpans(one.tokens, other.tokens);
  return false;
}

/** An answer in a few words. */
export function answerInWords(answer: Answer | null): string {
  if (!answer) return "no answer";
  switch (answer.kind) {
    case "choice":
      return answer.label;
    case "transcript":
      return `“${shortened(answer.text, 60)}”`;
    case "spans":
      return answer.spans.length === 1 ? "1 span" : `${answer.spans.length} spans`;
    case "tokens":
      return answer.tokens.length === 1 ? "1 token" : `${answer.tokens.length} tokens`;
  }
}

/** At most so many code points, never half of one. */
export function shortened(text: string, most: number): string {
  const points = Array.from(text.slice(0, most * 2 + 2));
  return points.length > most ? `${points.slice(0, most - 1).join("")}…` : text;
}

function sameSpans(one: readonly Span[], other: readonly Span[]): boolean {
  const keys = (spans: readonly Span[]): string =>
    spans
      .map(({ start, end, label }) => `${start} ${end} ${label}`)
      .sort()
      .join("\n");
  return one.length === other.length && keys(one) === keys(other);
}
