import type { LabelDefinition } from "../api/types";

/** More labels than keys: only the likeliest are shown, the others are found by typing. */
const MOST_KEYS = 29;
const LIKELIEST = 9;

export interface Offered {
  labels: LabelDefinition[];
  /** The likeliest first, so that a key means another label in every item. */
  ranked: boolean;
}

/**
 * The labels that an item shows as buttons.
 *
 * All of them, in the guideline's order, as long as each has a key of its own; else the nine
 * likeliest. Of a blind item nothing is likely, so it shows the first nine.
 */
export function offered(
  labels: readonly LabelDefinition[],
  scores: Record<string, number> | null,
  proposed: string | null,
): Offered {
  if (labels.length <= MOST_KEYS) return { labels: [...labels], ranked: false };
  const worth = ({ name }: LabelDefinition): number => (name === proposed ? 2 : (scores?.[name] ?? -1));
  return { labels: [...labels].sort((a, b) => worth(b) - worth(a)).slice(0, LIKELIEST), ranked: true };
}
