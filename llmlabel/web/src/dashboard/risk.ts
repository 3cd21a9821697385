import type { Quality, RiskPoint } from "../api/types";

/** Bounds of very few answers say nothing and would leave no room for the rest. */
const TELLING = 0.1;

/**
 * The risk that a promise leaves to what is accepted.
 *
 * Of labels delivered only those accepted may be wrong, so the fewer are accepted, the more of
 * them may be.
 */
export function allowed(promise: Quality["promise"], coverage: number): number | null {
  if (!promise) return null;
  if (promise.kind === "accepted") return promise.error;
  return coverage > 0 ? Math.min(1, promise.error / coverage) : 1;
}

/** The highest risk that a plot should have room for. */
export function highest(points: readonly RiskPoint[], promise: Quality["promise"]): number {
  const telling = points.filter(({ coverage }) => coverage >= TELLING);
  const risks = points.map(({ risk, coverage }) => (coverage >= TELLING ? risk : 0));
  const bounds = telling.map(({ bound }) => bound ?? 0);
  const bound = bounds.length ? Math.max(bounds.at(-1) ?? 0, Math.min(...bounds) * 1.5) : 0;
  return Math.max(0.01, ...risks, bound, 1.6 * (promise?.error ?? 0));
}
