import type { VNode } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useKeys, type Binding } from "../../keys";
import { Offsets } from "../../text/codepoints";
import { directionOf } from "../../text/direction";
import { Act } from "../labels/Act";
import { keysFor } from "../labels/keys";
import { Legend } from "../labels/Legend";
import { TypeAhead } from "../labels/TypeAhead";
import { usePending } from "../pending";
import { decisionOf, type TaskProps } from "../task";
import { Grid } from "./Grid";
import * as tags from "./tags";
import "./tokens.css";

/** The text as a table of tokens, of which only the doubtful ones have to be decided. */
export function Tokens(props: TaskProps): VNode {
  return <Table key={props.item.id} {...props} />;
}

function Table({ item, draft, begun, onDraft, onDecide, onPending }: TaskProps): VNode {
  const { labels } = item.guideline;
  const offsets = useMemo(() => new Offsets(item.document.text ?? ""), [item]);
  const history = useRef<tags.History | null>(null);
  history.current ??= tags.begin(tags.tokensOf(item, draft ?? begun));
  const [, redraw] = useState(0);
  const [said, say] = useState("");
  const [searching, setSearching] = useState(false);
  const grid = useRef<HTMLDivElement>(null);
  const follow = useRef(false);

  const state = history.current.now;
  const rows = useMemo(() => tags.rowsOf(history.current!.now.tokens, offsets), [offsets]);
  const token = state.tokens[state.active];
  const left = tags.waiting(state);

  /** Take a step of the history; the draft follows at once, so that no key press is behind it. */
  const put = (next: tags.History): void => {
    const before = history.current!.now;
    if (next.now === before) return;
    history.current = next;
    follow.current = true;
    if (next.now.tokens !== before.tokens) {
      onDraft(tags.answerOf(next.now.tokens, item.proposal?.answer ?? null), tags.begunOf(next.now.tokens));
      if (tags.waiting(before) > 0 && tags.waiting(next.now) === 0)
        say("Every token is decided. Enter sends the answer.");
    }
    redraw((n) => n + 1);
  };
  const edit = (made: (state: tags.State) => tags.State): void =>
    put(tags.advance(history.current!, made(history.current!.now)));
  const activate = (place: number): void => {
    const now = tags.goTo(history.current!.now, place);
    if (now === history.current!.now) return;
    history.current = tags.advance(history.current!, now);
    redraw((n) => n + 1);
  };

  const word = token ? offsets.slice(token.start, token.end) : "";
  const give = (label: string): void => {
    if (!token) return;
    say(`${word} is ${label}`);
    edit((now) => tags.tag(now, label));
  };
  const accepts = token !== undefined && token.label !== null && tags.waits(token);
  /** Enter decides the only tag left, so it sends the answer as well. */
  const last = left === 1 && accepts;
  const enter = (): void => {
    if (token?.label === null) say(`${word} has no tag yet: press the key of one.`);
    edit(tags.accept);
    const answer = last ? tags.answerOf(history.current!.now.tokens, item.proposal?.answer ?? null) : null;
    if (answer) onDecide(decisionOf(item, answer));
  };
  const verb = accepts ? "Accept" : "Next";
  usePending(onPending, left > 0 ? `${verb}${last ? " and send" : `, ${left} left`}` : null, enter);
  const beside = (right: boolean): void => {
    const row = rows.find(({ to }) => to > state.active);
    const first = row && state.tokens[row.from];
    const last = row && state.tokens[row.to - 1];
    const text = first && last ? offsets.slice(first.start, last.end) : "";
    const step = right === (directionOf(text) === "ltr") ? 1 : -1;
    edit((now) => tags.goTo(now, now.active + step));
  };
  const line = (down: boolean): void => {
    const found = inLine(grid.current, state.active, down);
    if (found !== null) edit((now) => tags.goTo(now, found));
  };

  const group = "Tokens";
  const bindings: Binding[] = [
    { group, keys: ["Enter"], label: "Accept the doubtful tag; after the last one the answer is sent", run: enter, disabled: left === 0 },
    { group, keys: ["0"], label: "The next best tag", disabled: !token?.alternative, run: () => give(token!.alternative!) },
    { group, keys: ["/"], label: "Find a tag by typing", disabled: !token, run: () => setSearching(true) },
    { group, keys: ["ArrowRight"], label: "The token to the right", run: () => beside(true) },
    { group, keys: ["ArrowLeft"], label: "The token to the left", run: () => beside(false) },
    { group, keys: ["ArrowDown"], label: "The token below", run: () => line(true) },
    { group, keys: ["ArrowUp"], label: "The token above", run: () => line(false) },
    { group, keys: ["Home"], label: "The first token", run: () => edit((now) => tags.goTo(now, 0)) },
    { group, keys: ["End"], label: "The last token", run: () => edit((now) => tags.goTo(now, Infinity)) },
    { group, keys: ["Mod+z"], label: "Undo the last change to this text", run: () => put(tags.undo(history.current!)) },
    { group, keys: ["Mod+Shift+z", "Mod+y"], label: "Redo", run: () => put(tags.redo(history.current!)) },
    ...keysFor(labels).flatMap((key, n) =>
      key === null ? [] : [{ group: "Labels", keys: [key], label: labels[n]!.name, run: () => give(labels[n]!.name) }]),
  ];
  useKeys(bindings);

  useLayoutEffect(() => {
    if (!document.activeElement?.matches("input, textarea, select, dialog, dialog *"))
      focusOn(grid.current, state.active);
  }, []);
  useLayoutEffect(() => {
    if (!follow.current) return;
    follow.current = false;
    focusOn(grid.current, state.active);
  });

  return (
    <div class="tokens">
      <div
        ref={grid}
        class="tokens-text"
        role="group"
        aria-label="Tokens with their tags"
        aria-describedby="tokens-left"
        lang={item.document.language ?? undefined}
      >
        <Grid {...{ rows, offsets, labels }} tokens={state.tokens} active={state.active} onActivate={activate} />
      </div>
      <div class="tokens-details small">
        <span>{token && <><b dir="auto">{word}</b> {facts(token).join(" · ")}</>}</span>
        {token && tags.waits(token) && token.alternative && (
          <Act name={token.alternative} shortcut="0" onAct={() => give(token.alternative!)} />
        )}
        <span id="tokens-left" class={left > 0 ? "tokens-left" : "soft"}>
          {left > 0 ? `${left} to decide` : "nothing is left to decide"}
        </span>
      </div>
      <Legend
        labels={labels}
        current={token?.label ?? null}
        alternative={token?.alternative ?? null}
        onPick={give}
        onSearch={() => setSearching(true)}
      />
      {searching && (
        <TypeAhead
          labels={labels}
          first={[token?.alternative ?? null, token?.label ?? null]}
          subject={`“${word}”`}
          onPick={(label) => {
            setSearching(false);
            give(label);
          }}
          onClose={() => {
            setSearching(false);
            focusOn(grid.current, history.current!.now.active);
          }}
        />
      )}
      <p class="out-of-sight" role="status">{said}</p>
    </div>
  );
}

function facts({ label, probability, alternative, likely, note, settled }: tags.Token): string[] {
  if (label === null) return ["has no tag yet"];
  const said = [settled ? `${label}, decided` : label];
  if (probability !== null) said.push(`probability ${probability.toFixed(2)}`);
  if (alternative !== null) said.push(`or ${alternative}`);
  const others = likely.filter(([name]) => name !== label && name !== alternative).slice(0, 2);
  for (const [name, value] of others) said.push(`${name} ${value.toFixed(2)}`);
  if (note !== null) said.push(note);
  return said;
}

function cellAt(grid: HTMLElement | null, place: number): HTMLElement | null {
  return grid?.querySelector<HTMLElement>(`[data-place="${place}"]`) ?? null;
}

function focusOn(grid: HTMLElement | null, place: number): void {
  const cell = cellAt(grid, place);
  if (!cell || cell === document.activeElement) return;
  cell.focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest" });
}

/** The token nearest above or below another one, as the rows are laid out now. */
function inLine(grid: HTMLElement | null, place: number, down: boolean): number | null {
  const from = cellAt(grid, place)?.getBoundingClientRect();
  if (!from) return null;
  const middle = (from.left + from.right) / 2;
  let line: number | null = null;
  let best: { place: number; away: number } | null = null;
  for (let next = place + (down ? 1 : -1); ; next += down ? 1 : -1) {
    const box = cellAt(grid, next)?.getBoundingClientRect();
    if (!box) break;
    const apart = down ? box.top >= from.bottom - 2 : box.bottom <= from.top + 2;
    if (!apart) continue;
    line ??= box.top;
    if (Math.abs(box.top - line) > 2) break;
    const away = Math.abs((box.left + box.right) / 2 - middle);
    if (!best || away < best.away) best = { place: next, away };
  }
  return best?.place ?? null;
}
