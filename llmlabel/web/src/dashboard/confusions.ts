import type { Confusion } from "../api/types";

/** As the service names what has no label: no right answer, nothing there, no proposal. */
export const NONE = "(none)";

/** A label that was taken for another one. */
export interface Pair {
  verified: string;
  proposed: string;
  n: number;
  /** Of all that were verified as the first. */
  share: number;
}

/** A part of a confusion matrix that can be read at once. */
export interface Excerpt extends Confusion {
  /** How many labels the last row and column stand for. */
  folded: number;
}

/** Every confusion that happened, most frequent first. */
export function pairsOf({ labels, counts }: Confusion): Pair[] {
  const pairs: Pair[] = [];
  counts.forEach((row, i) => {
    const all = sum(row);
    row.forEach((n, j) => {
      if (i !== j && n > 0) pairs.push({ verified: labels[i] ?? "", proposed: labels[j] ?? "", n, share: n / all });
    });
  });
  return pairs.sort(
    (a, b) => b.n - a.n || b.share - a.share || a.verified.localeCompare(b.verified) || a.proposed.localeCompare(b.proposed),
  );
}

/** How many were counted, and how many of them agree. */
export function totals({ counts }: Confusion): { n: number; right: number } {
  return { n: sum(counts.map(sum)), right: sum(counts.map((row, i) => row[i] ?? 0)) };
}

/**
 * The labels most often confused, at most so many; all others become one row and column.
 *
 * Labels that never came up are left out, in the order of the guideline.
 */
export function excerpt(confusion: Confusion, most: number): Excerpt {
  const { labels, counts } = confusion;
  const met = labels.map((_, i) => sum(counts[i] ?? []) + sum(counts.map((row) => row[i] ?? 0)));
  const confused = labels.map((_, i) => (met[i] ?? 0) - 2 * (counts[i]?.[i] ?? 0));
  const used = labels.map((_, i) => i).filter((i) => (met[i] ?? 0) > 0);
  const few = labels.filter((label) => label !== NONE).length <= most;
  const all = few ? labels.map((_, i) => i).filter((i) => labels[i] !== NONE || used.includes(i)) : used;
  if (all.length <= most + 1) return { ...part(confusion, all), folded: 0 };
  const worst = [...used].sort((a, b) => (confused[b] ?? 0) - (confused[a] ?? 0) || (met[b] ?? 0) - (met[a] ?? 0));
  const kept = worst.slice(0, most).sort((a, b) => a - b);
  const rest = used.filter((i) => !kept.includes(i));
  const found = part(confusion, kept);
  const cell = (rows: number[], columns: number[]): number =>
    sum(rows.map((i) => sum(columns.map((j) => counts[i]?.[j] ?? 0))));
  return {
    labels: [...found.labels, `${rest.length} others`],
    counts: [
      ...found.counts.map((row, i) => [...row, cell([kept[i] ?? 0], rest)]),
      [...kept.map((j) => cell(rest, [j])), cell(rest, rest)],
    ],
    folded: rest.length,
  };
}

function part({ labels, counts }: Confusion, places: number[]): Confusion {
  return {
    labels: places.map((i) => labels[i] ?? ""),
    counts: places.map((i) => places.map((j) => counts[i]?.[j] ?? 0)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
