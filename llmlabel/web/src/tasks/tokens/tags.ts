// The tokens on the screen and what a reviewer does to them. Every edit gives a new state.

import type { Answer, Review, Span, Unit } from "../../api/types";
import type { Offsets } from "../../text/codepoints";
import { doubtIn } from "../doubt";

export interface Token {
  readonly start: number;
  readonly end: number;
  /** Null while a blind one has no tag. */
  readonly label: string | null;
  readonly doubtful: boolean;
  /** A reviewer has decided it. */
  readonly settled: boolean;
  readonly probability: number | null;
  readonly alternative: string | null;
  readonly note: string | null;
  /** The likeliest tags, best first. */
  readonly likely: readonly (readonly [string, number])[];
}

export interface State {
  readonly tokens: readonly Token[];
  /** The number of the token that keys act on; -1 only where there are none. */
  readonly active: number;
}

export interface History {
  readonly now: State;
  readonly past: readonly State[];
  readonly future: readonly State[];
}

/** The tokens that an item starts with; of a blind one they have no tags. */
export function tokensOf(item: Review, draft: Answer | null): Token[] {
  const proposed = item.proposal?.answer?.kind === "tokens" ? item.proposal.answer.tokens : null;
  const units = new Map((item.proposal?.units ?? []).map((unit) => [spot(unit), unit]));
  const doubted = doubtIn(item.proposal?.units ?? [], item.kind);
  const tokens = proposed
    ? proposed.map((span) => tokenOf(span, units.get(spot(span)), doubted))
    : (item.tokens ?? []).map((extent) => untagged(extent));
  if (draft?.kind !== "tokens") return tokens;
  const said = new Map(draft.tokens.map((span) => [spot(span), span.label]));
  return tokens.map((token) => {
    const label = said.get(spot(token)) ?? token.label;
    return label === token.label ? token : { ...token, label, settled: true };
  });
}

/** What there is of an answer: the tokens that have a tag. */
export function begunOf(tokens: readonly Token[]): Answer {
  const tagged = tokens.flatMap(({ start, end, label }) => (label === null ? [] : [{ start, end, label }]));
  return { kind: "tokens", tokens: tagged };
}

/** The whole answer; null while a token has no tag. The proposed one itself if nothing changed. */
export function answerOf(tokens: readonly Token[], proposed: Answer | null): Answer | null {
  const spans: Span[] = [];
  for (const { start, end, label } of tokens) {
    if (label === null) return null;
    spans.push({ start, end, label });
  }
  const same =
    proposed?.kind === "tokens" &&
    proposed.tokens.length === spans.length &&
    proposed.tokens.every(({ label }, n) => label === spans[n]!.label);
  return same ? proposed : { kind: "tokens", tokens: spans };
}

export function waits(token: Token): boolean {
  return token.label === null || (token.doubtful && !token.settled);
}

export function begin(tokens: readonly Token[]): History {
  const first = tokens.findIndex(waits);
  return { now: { tokens, active: Math.max(first, tokens.length > 0 ? 0 : -1) }, past: [], future: [] };
}

export function advance(history: History, now: State): History {
  if (now === history.now) return history;
  if (now.tokens === history.now.tokens) return { ...history, now };
  return { now, past: [...history.past, history.now], future: [] };
}

/** The state before the last edit, at the token that it changed. */
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

export function goTo(state: State, place: number): State {
  const active = Math.min(Math.max(place, 0), state.tokens.length - 1);
  return active === state.active ? state : { ...state, active };
}

/** Tag the active token; from one that waited on to the next that waits. */
export function tag(state: State, label: string): State {
  const token = state.tokens[state.active];
  if (!token) return state;
  const next = settle(state, { ...token, label, settled: true });
  return waits(token) ? onwards(next) : next;
}

/** Accept the active tag, if it waits and there is one, and go to the next token that waits. */
export function accept(state: State): State {
  const token = state.tokens[state.active];
  if (!token) return state;
  const waiting = waits(token) && token.label !== null;
  return onwards(waiting ? settle(state, { ...token, settled: true }) : state);
}

export function waiting(state: State): number {
  return state.tokens.filter(waits).length;
}

/** A row of more tokens is cut, after the end of a sentence if there is one. */
const LONGEST_ROW = 120;

/** Numbers of tokens in a row; a line break of the text starts a new one. */
export function rowsOf(tokens: readonly Token[], offsets: Offsets): { from: number; to: number }[] {
  const rows: { from: number; to: number }[] = [];
  let from = 0;
  let sentence = 0;
  for (let n = 1; n <= tokens.length; n++) {
    const before = tokens[n - 1]!;
    const next = tokens[n];
    const broken = !next || /[\r\n\u2028\u2029]/.test(offsets.slice(before.end, next.start));
    if (/[.!?。！？।]$/u.test(offsets.slice(before.start, before.end))) sentence = n;
    if (!broken && n - from < LONGEST_ROW) continue;
    const to = !broken && sentence > from ? sentence : n;
    rows.push({ from, to });
    from = to;
  }
  return rows;
}

function settle(state: State, token: Token): State {
  const before = state.tokens[state.active]!;
  if (before.label === token.label && before.settled === token.settled) return state;
  return { ...state, tokens: state.tokens.with(state.active, token) };
}

function onwards(state: State): State {
  const { tokens, active } = state;
  const after = tokens.findIndex((token, n) => n > active && waits(token));
  const next = after >= 0 ? after : tokens.findIndex(waits);
  return next >= 0 ? goTo(state, next) : state;
}

function spot({ start, end }: { start: number; end: number }): string {
  return `${start}-${end}`;
}

function tokenOf(
  { start, end, label }: Span,
  unit: Unit | undefined,
  doubted: (unit: Unit | undefined) => boolean,
): Token {
  const likely = Object.entries(unit?.evidence ?? {})
    .filter(([name]) => name.startsWith("label:"))
    .map(([name, value]): [string, number] => [name.slice("label:".length), value])
    .sort((a, b) => b[1] - a[1]);
  return {
    start,
    end,
    label,
    doubtful: doubted(unit),
    settled: false,
    probability: unit?.probability ?? null,
    alternative: unit?.alternative ?? null,
    note: unit?.note ?? null,
    likely,
  };
}

function untagged({ start, end }: { start: number; end: number }): Token {
  const unknown = { probability: null, alternative: null, note: null, likely: [] };
  return { start, end, label: null, doubtful: false, settled: false, ...unknown };
}
