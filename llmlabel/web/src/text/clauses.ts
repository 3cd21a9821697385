import type { Review } from "../api/types";

export interface DoubtfulClauses {
  /** A labeler or the route named them. */
  named: Set<string>;
  /** They speak of both labels that the labelers waver between. */
  between: Set<string>;
  /** Where none speaks of both: those that speak of one, if they are few, with its name. */
  about: Map<string, string>;
}

/** More clauses about one label are no hint any more. */
const FEW = 3;

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
  const quoting = (label: string): string[] =>
    clauses.filter(({ text }) => quotes(text, label)).map(({ id }) => id);
  const between = new Set<string>();
  const about = new Map<string, string>();
  for (const pair of doubtfulPairs(item)) {
    const [ofOne, ofOther] = [quoting(pair[0]), quoting(pair[1])];
    const both = ofOne.filter((id) => ofOther.includes(id));
    for (const id of both) between.add(id);
    if (both.length) continue;
    if (ofOne.length <= FEW) for (const id of ofOne) about.set(id, pair[0]);
    if (ofOther.length <= FEW) for (const id of ofOther) about.set(id, pair[1]);
  }
  for (const id of named) between.delete(id);
  for (const id of [...named, ...between]) about.delete(id);
  return { named, between, about };
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
