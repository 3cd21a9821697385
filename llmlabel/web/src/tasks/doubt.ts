// Which parts of an answer a reviewer has to look at.

import type { Review, Unit } from "../api/types";

/** A span or token of the answer below this probability is in doubt. */
export const DOUBTFUL = 0.8;

/**
 * Says of each span or token of an answer whether it is in doubt.
 *
 * An item may wait because many units are a little unsure, though none is in doubt by itself: then
 * the least sure one is, so that there is a place to begin.
 */
export function doubtIn(units: readonly Unit[], kind: Review["kind"]): (unit: Unit | undefined) => boolean {
  const sure = units.filter(({ kept }) => kept).map(({ probability }) => probability ?? 0);
  const least = Math.min(...sure);
  const below = kind === "doubt" && least >= DOUBTFUL && least < 1 ? least : null;
  return (unit) => {
    if (!unit) return false;
    const probability = unit.probability ?? 0;
    return probability < DOUBTFUL || (below !== null && probability <= below);
  };
}
