// The spans on the screen: those of the answer, those left out of it, and what is in doubt.

import type { Answer, Proposal, Review, Span, Unit } from "../../api/types";
import { doubtIn } from "../doubt";

/** A span left out of the answer is in doubt from this probability on. */
export const MISSED = 0.2;

export interface Entity {
  /** Stays the same whatever is changed of it. */
  readonly key: number;
  readonly start: number;
  readonly end: number;
  readonly label: string;
  /** Part of the answer. */
  readonly inside: boolean;
  readonly doubtful: boolean;
  /** A reviewer has decided it. */
  readonly settled: boolean;
  readonly probability: number | null;
  readonly alternative: string | null;
  readonly note: string | null;
  readonly by: readonly string[];
  /** As it was proposed; null of one that the reviewer added. */
  readonly proposed: Span | null;
}

/** The entities that an item starts with: of a blind one, none. */
export function entitiesOf(
  proposal: Proposal | null,
  draft: Answer | null,
  kind: Review["kind"] = null,
): Entity[] {
  const doubted = doubtIn(proposal?.units ?? [], kind);
  const answer = proposal?.answer?.kind === "spans" ? proposal.answer.spans : [];
  const proposed = (proposal?.units ?? []).filter((unit) => !unit.kept).map(candidate);
  const kept = new Map<string, Unit>();
  for (const unit of proposal?.units ?? []) {
    if (unit.kept) kept.set(spot(unit), unit).set(`${spot(unit)} ${unit.label}`, unit);
  }
  for (const span of answer) {
    const unit = kept.get(`${spot(span)} ${span.label}`) ?? kept.get(spot(span));
    proposed.push({ ...fromUnit(span, unit), inside: true, doubtful: doubted(unit) });
  }
  const made = draft?.kind === "spans" ? redrawn(proposed, draft.spans) : proposed;
  return sorted(made.map((each, key) => ({ ...each, key })));
}

/** The answer that stands on the screen; the proposed one itself where they are the same. */
export function answerOf(entities: readonly Entity[], proposal: Proposal | null): Answer {
  const answer = spansOf(entities);
  const proposed = proposal?.answer;
  if (proposed?.kind !== "spans") return answer;
  const names = new Set(proposed.spans.map((span) => `${spot(span)} ${span.label}`));
  const same =
    names.size === answer.spans.length &&
    answer.spans.every((span) => names.has(`${spot(span)} ${span.label}`));
  return same ? proposed : answer;
}

function spansOf(entities: readonly Entity[]): Extract<Answer, { kind: "spans" }> {
  const spans: Span[] = [];
  const seen = new Set<string>();
  for (const each of entities) {
    const name = `${spot(each)} ${each.label}`;
    if (!each.inside || seen.has(name)) continue;
    seen.add(name);
    spans.push({ start: each.start, end: each.end, label: each.label });
  }
  spans.sort((a, b) => a.start - b.start || a.end - b.end);
  return { kind: "spans", spans };
}

/** In the order of their labels on the screen, which Tab walks: by end, an inner one first. */
export function sorted(entities: readonly Entity[]): Entity[] {
  return [...entities].sort((a, b) => a.end - b.end || b.start - a.start || a.key - b.key);
}

export function waits(entity: Entity): boolean {
  return entity.doubtful && !entity.settled;
}

/** The entity after a given one that waits for a decision, from the front again at the end. */
export function nextWaiting(entities: readonly Entity[], key: number | null): Entity | null {
  const from = entities.findIndex((each) => each.key === key) + 1;
  return (
    entities.slice(from).find(waits) ?? entities.slice(0, from).find(waits) ?? null
  );
}

function candidate(unit: Unit): Entity {
  // What a rule left out has a note; what labelers disagree about has one as well, and is in doubt.
  const disputed = unit.note === null || unit.evidence["agreement"] === 0;
  const doubtful = disputed && (unit.probability ?? 1) >= MISSED;
  return { ...fromUnit(unit, unit), inside: false, doubtful };
}

function fromUnit({ start, end, label }: Span, unit: Unit | undefined) {
  return {
    key: 0,
    start,
    end,
    label,
    settled: false,
    probability: unit?.probability ?? null,
    alternative: unit?.alternative ?? null,
    note: unit?.note ?? null,
    by: unit?.by ?? [],
    proposed: { start, end, label },
  };
}

/** What was proposed, changed to a draft; what the draft changes is decided. */
function redrawn(proposed: readonly Entity[], draft: readonly Span[]): Entity[] {
  const wanted = new Map(draft.map((span) => [`${spot(span)} ${span.label}`, span]));
  const said = new Set(proposed.filter((each) => wanted.delete(`${spot(each)} ${each.label}`)));
  const entities = proposed.map((each) => {
    if (said.has(each)) return { ...each, inside: true, settled: !each.inside };
    if (!each.inside) return each;
    const other = [...wanted].find(([, span]) => spot(span) === spot(each));
    if (!other) return { ...each, inside: false, settled: true };
    wanted.delete(other[0]);
    return { ...each, label: other[1].label, settled: true };
  });
  return [...entities, ...[...wanted.values()].map((span) => added(span, 0))];
}

/** A span that the reviewer makes. */
export function added(span: Span, key: number): Entity {
  return { ...fromUnit(span, undefined), key, inside: true, doubtful: false, settled: true, proposed: null };
}

function spot({ start, end }: { start: number; end: number }): string {
  return `${start}-${end}`;
}
