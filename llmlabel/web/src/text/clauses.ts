import type { Review } from "../api/types";

export interface DoubtfulClauses {
  /** A labeler or the route named them. */
  named: Set<string>;
  /** They speak of both labels that the labelers waver between. */
  between: Set<string>;
}

const SURE = 0.8;

/** Which clauses of the guideline are likely to settle an item. */
export function doubtfulClauses(item: Review): DoubtfulClauses {
  const said = [
    item.reason ?? "",
    ...(item.opinions ?? []).map(({ detail }) => detail),
    ...(item.proposal?.units ?? []).map(({ note }) => note ?? ""),
  ].join("\n");
  const clauses = item.guideline.clauses;
  const named = new Set(clauses.filter(({ id }) => names(said, id)).map(({ id }) => id));
  const between = new Set(
    doubtfulPairs(item).flatMap(([one, other]) =>
      clauses.filter(({ text }) => quotes(text, one) && quotes(text, other)).map(({ id }) => id),
    ),
  );
  for (const id of named) between.delete(id);
  return { named, between };
}

/** The labels between which the labelers waver, the likeliest first. */
export function doubtfulPairs(item: Review): [string, string][] {
  if (item.scores) {
    const [first, second] = Object.entries(item.scores).sort((a, b) => b[1] - a[1]);
    return first && second ? [[first[0], second[0]]] : [];
  }
  return (item.proposal?.units ?? []).flatMap(({ label, alternative, probability }) =>
    alternative && (probability ?? 0) < SURE ? [[label, alternative] as [string, string]] : [],
  );
}

function names(text: string, id: string): boolean {
  for (let at = text.indexOf(id); at >= 0; at = text.indexOf(id, at + 1))
    if (!/[\w-]/.test(text[at + id.length] ?? "")) return true; // SENT-1 is not in SENT-12
  return false;
}

const quotes = (text: string, label: string): boolean => text.includes(`\`${label}\``);
