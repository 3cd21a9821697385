// What a reviewer does to the spans. Every edit gives a new state; undo goes back edit by edit.

import type { Span } from "../../api/types";
import { added, nextWaiting, sorted, waits, type Entity } from "./entities";

export interface State {
  readonly entities: readonly Entity[];
  /** The key of the entity that keys act on. */
  readonly active: number | null;
}

export interface History {
  readonly now: State;
  readonly past: readonly State[];
  readonly future: readonly State[];
}

/** At the first entity that waits, or else the first that an earlier draft has changed. */
export function begin(entities: readonly Entity[]): History {
  const first = nextWaiting(entities, null) ?? entities.find(({ settled }) => settled);
  const active = first?.key ?? null;
  return { now: { entities, active }, past: [], future: [] };
}

/** The next state; one whose entities differ can be undone, a mere move cannot. */
export function advance(history: History, now: State): History {
  if (now === history.now) return history;
  if (now.entities === history.now.entities) return { ...history, now };
  return { now, past: [...history.past, history.now], future: [] };
}

export function undo(history: History): History {
  const now = history.past.at(-1);
  if (!now) return history;
  return { now, past: history.past.slice(0, -1), future: [history.now, ...history.future] };
}

export function redo(history: History): History {
  const [now, ...future] = history.future;
  if (!now) return history;
  return { now, past: [...history.past, history.now], future };
}

export function activeOf(state: State): Entity | null {
  return state.entities.find((each) => each.key === state.active) ?? null;
}

export function activate(state: State, key: number | null): State {
  return state.active === key ? state : { ...state, active: key };
}

/** The entity before or after the active one, of all of them, around the ends. */
export function walk(state: State, step: 1 | -1): State {
  const count = state.entities.length;
  if (count === 0) return state;
  const at = state.entities.findIndex((each) => each.key === state.active);
  const next = at < 0 ? (step > 0 ? 0 : count - 1) : (at + step + count) % count;
  return activate(state, state.entities[next]!.key);
}

/** Give the active entity a label; one that was left out comes into the answer. */
export function relabel(state: State, label: string): State {
  return change(state, () => ({ label, inside: true }));
}

/** Move the borders of the active entity; a change that would empty it does nothing. */
export function reborder(state: State, start: number, end: number): State {
  return start < end ? change(state, () => ({ start, end })) : state;
}

/** Take the active entity out of the answer; one that the reviewer added is gone. */
export function remove(state: State): State {
  const active = activeOf(state);
  if (!active) return state;
  if (active.proposed) return change(state, () => ({ inside: false }));
  const entities = state.entities.filter((each) => each !== active);
  const next = entities.find((each) => each.start >= active.start) ?? entities.at(-1);
  return { entities, active: next?.key ?? null };
}

/** Put the active entity into the answer, or take it out again. */
export function toggle(state: State): State {
  const active = activeOf(state);
  return active?.inside ? remove(state) : change(state, () => ({ inside: true }));
}

/** Accept the active entity as it stands, if it waits, and go to the next one that does. */
export function accept(state: State): State {
  const active = activeOf(state);
  const settled = active && waits(active) ? change(state, () => ({})) : state;
  const next = nextWaiting(settled.entities, state.active);
  return next ? activate(settled, next.key) : settled;
}

/** Add a span, or go to the one that says the same. */
export function add(state: State, span: Span): State {
  const same = state.entities.find(
    (each) => each.start === span.start && each.end === span.end && each.label === span.label,
  );
  if (same) return change(activate(state, same.key), () => ({ inside: true }));
  const key = 1 + Math.max(-1, ...state.entities.map((each) => each.key));
  return { entities: sorted([...state.entities, added(span, key)]), active: key };
}

export function waiting(state: State): number {
  return state.entities.filter(waits).length;
}

/** The entities over a place, the innermost first. */
export function over(state: State, start: number, end: number): Entity[] {
  return state.entities
    .filter((each) => each.start < end && each.end > start)
    .sort((a, b) => a.end - a.start - (b.end - b.start) || a.key - b.key);
}

function change(state: State, made: (entity: Entity) => Partial<Entity>): State {
  const active = activeOf(state);
  if (!active) return state;
  const next = { ...active, ...made(active), settled: true };
  const same = (Object.keys(next) as (keyof Entity)[]).every((name) => next[name] === active[name]);
  if (same) return state;
  const others = state.entities.filter((each) => each !== active && !isSaidBy(each, next));
  return { ...state, entities: sorted([...others, next]) };
}

/** A candidate that says what a span of the answer says has nothing left to ask. */
function isSaidBy(candidate: Entity, span: Entity): boolean {
  return (
    span.inside &&
    !candidate.inside &&
    candidate.start === span.start &&
    candidate.end === span.end &&
    candidate.label === span.label
  );
}
