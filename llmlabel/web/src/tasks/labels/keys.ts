// Which key gives which label, the same in every task.

/** Kept for the page: undo, skip, reject, guideline, flag, comment. */
const TAKEN = "zsrgfc";

const KEYS = [..."123456789", ...[..."abcdefghijklmnopqrstuvwxyz"].filter((l) => !TAKEN.includes(l))];

/** The key of each label in the order of the guideline; null where there are no more. */
export function keysFor(labels: readonly { name: string }[]): (string | null)[] {
  return labels.map((_, n) => KEYS[n] ?? null);
}

/** The custom property with a label's colour: `--label-1` to `--label-8`, then again. */
export function hueOf(labels: readonly { name: string }[], label: string): string {
  const n = labels.findIndex(({ name }) => name === label);
  return `--label-${((n < 0 ? 7 : n) % 8) + 1}`;
}

/** Labels by what was typed: names that begin so, then parts of names, then definitions. */
export function matching<T extends { name: string; definition: string }>(
  labels: readonly T[],
  typed: string,
  first: readonly (string | null)[] = [],
): T[] {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) {
    const ahead = first.flatMap((name) => labels.filter((label) => label.name === name));
    return [...ahead, ...labels.filter((label) => !ahead.includes(label))];
  }
  const rank = ({ name, definition }: T): number => {
    const lower = name.toLowerCase();
    if (lower.startsWith(wanted)) return 0;
    if (lower.split(/[\s_:-]/).some((part) => part.startsWith(wanted))) return 1;
    if (lower.includes(wanted)) return 2;
    return definition.toLowerCase().includes(wanted) ? 3 : 4;
  };
  return labels
    .map((label) => ({ label, rank: rank(label) }))
    .filter((each) => each.rank < 4)
    .sort((a, b) => a.rank - b.rank)
    .map((each) => each.label);
}
