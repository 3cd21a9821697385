// Proposals for the tests.

import type { Proposal, Span, Unit } from "../../api/types";

export function unit(start: number, end: number, label: string, more: Partial<Unit> = {}): Unit {
  return {
    start, end, label, probability: 0.95, evidence: {}, kept: true, by: ["spacy"],
    alternative: null, begin_seconds: null, end_seconds: null, note: null, ...more,
  };
}

export function proposal(units: Unit[], spans?: Span[]): Proposal {
  const kept = units.filter((each) => each.kept);
  const said = spans ?? kept.map(({ start, end, label }) => ({ start, end, label }));
  return { answer: { kind: "spans", spans: said }, confidence: null, reason: "", units };
}
