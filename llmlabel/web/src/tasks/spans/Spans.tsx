import type { VNode } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useKeys, type Binding } from "../../keys";
import { Offsets } from "../../text/codepoints";
import { nextEnd, nextStart, previousEnd, previousStart, wordsOf, type Extent } from "../../text/words";
import { keysFor } from "../labels/keys";
import { Legend } from "../labels/Legend";
import { TypeAhead } from "../labels/TypeAhead";
import { usePending } from "../pending";
import { decisionOf, type TaskProps } from "../task";
import { Details } from "./Details";
import * as edits from "./edits";
import { answerOf, entitiesOf, waits } from "./entities";
import { layered } from "./layers";
import { Passage } from "./Passage";
import { paragraphsOf } from "./paragraphs";
import { useCaret } from "./caret";
import "./spans.css";

/** Highlighted spans, of which only the doubtful ones have to be decided. */
export function Spans(props: TaskProps): VNode {
  return <Editor key={props.item.id} {...props} />;
}

function Editor({ item, draft, onDraft, onDecide, onPending }: TaskProps): VNode {
  const { labels } = item.guideline;
  const proposed = item.proposal?.answer?.kind === "spans" ? item.proposal.answer.spans.length : null;
  const offsets = useMemo(() => new Offsets(item.document.text ?? ""), [item]);
  const words = useMemo(() => wordsOf(offsets, item.document.language), [offsets]);
  const paragraphs = useMemo(() => paragraphsOf(offsets), [offsets]);

  const history = useRef<edits.History | null>(null);
  history.current ??= edits.begin(entitiesOf(item.proposal, draft, item.kind));
  const [, redraw] = useState(0);
  const [said, say] = useState("");
  /** While a label is looked for: the words that were selected, which the search field unselects. */
  const [search, setSearch] = useState<{ extent: Extent | null } | null>(null);
  /** The reviewer has said that there are no spans. */
  const [emptied, setEmptied] = useState(false);
  const passage = useRef<HTMLDivElement>(null);
  const follow = useRef(false);

  const state = history.current.now;
  const active = edits.activeOf(state);
  const spans = useMemo(() => layered(state.entities), [state.entities]);
  const lanes = Math.max(1, ...spans.map(({ lane }) => lane + 1));
  const left = edits.waiting(state);
  const caret = useCaret(passage, offsets, words, active);

  /** Take a step of the history; the draft follows at once, so that no key press is behind it. */
  const put = (next: edits.History): void => {
    const before = history.current!.now;
    if (next.now === before) return;
    history.current = next;
    follow.current = true;
    if (next.now.entities !== before.entities) {
      setEmptied(false);
      onDraft(answerOf(next.now.entities, item.proposal));
      if (edits.waiting(before) > 0 && edits.waiting(next.now) === 0)
        say("Nothing in doubt is left. Enter sends the answer.");
    }
    redraw((n) => n + 1);
  };
  const edit = (made: (state: edits.State) => edits.State): void =>
    put(edits.advance(history.current!, made(history.current!.now)));

  /** The active one as the browser has it: no step of the history and no move of the focus. */
  const activate = (key: number): void => {
    const now = edits.activate(history.current!.now, key);
    if (now === history.current!.now) return;
    caret.clear();
    history.current = edits.advance(history.current!, now);
    redraw((n) => n + 1);
  };

  const give = (label: string, span = caret.extent()): void => {
    if (span) {
      caret.clear();
      edit((now) => edits.add(now, { ...span, label }));
      say(`${offsets.slice(span.start, span.end)} is ${label}`);
    } else if (active) {
      edit((now) => edits.relabel(now, label));
      say(`${offsets.slice(active.start, active.end)} is ${label}`);
    } else say("Select some text first: the arrows go from word to word.");
  };

  /** Enter decides the only thing left, so it sends the answer as well. */
  const last = left === 1 && active !== null && waits(active);
  const enter = (): void => {
    if (left > 0) {
      caret.clear();
      edit(edits.accept);
      if (last) onDecide(decisionOf(item, answerOf(history.current!.now.entities, item.proposal)));
      return;
    }
    setEmptied(true);
    onDraft(answerOf(state.entities, item.proposal));
    say("No spans: Enter sends that there are none.");
  };
  const count = state.entities.filter(({ inside }) => inside).length;
  const none = count > 0 || proposed === 0 || left > 0 ? null : emptied ? "said" : "asked";

  const verb = !active || !waits(active) ? "Next" : active.inside ? "Accept" : "Leave out";
  usePending(onPending, left > 0 ? `${verb}${last ? " and send" : `, ${left} left`}` : none === "asked" ? "There are none" : null, enter, left === 0);

  const covered = (span: Extent | null): string => (span ? offsets.slice(span.start, span.end) : "");

  const border = (move: (start: number, end: number) => [number, number]): void => {
    if (!active) return;
    const [start, end] = move(active.start, active.end);
    edit((now) => edits.reborder(now, start, end));
  };

  const byWord = (side: "start" | "end", step: 1 | -1): void =>
    border((start, end) =>
      side === "start"
        ? [step > 0 ? nextStart(words, start) : previousStart(words, start), end]
        : [start, step > 0 ? nextEnd(words, end) : previousEnd(words, end)],
    );

  const find = (): void => setSearch({ extent: caret.extent() });

  const group = "Spans";
  const bindings: Binding[] = [
    { group, keys: ["Enter"], label: "Accept the doubtful span; after the last one the answer is sent", run: enter, disabled: left === 0 && none !== "asked" },
    { group, keys: ["Space"], label: "Put the span into the answer, or take it out", run: () =>
        caret.extent() ? activateOver() : edit(edits.toggle) },
    { group, keys: ["Delete", "Backspace"], label: "Take the span out", disabled: !active, run: () => {
        say(`${offsets.slice(active!.start, active!.end)} is taken out`);
        edit(edits.remove);
      } },
    { group, keys: ["0"], label: "The next best label", disabled: !active?.alternative, run: () => give(active!.alternative!) },
    { group, keys: ["/"], label: "Find a label by typing", run: find },
    { group, keys: ["Alt+ArrowDown"], label: "The next span of all", run: () => edit((now) => edits.walk(now, 1)) },
    { group, keys: ["Alt+ArrowUp"], label: "The span before of all", run: () => edit((now) => edits.walk(now, -1)) },
    { group, keys: ["Mod+z"], label: "Undo the last change to this text", run: () => put(edits.undo(history.current!)) },
    { group, keys: ["Mod+Shift+z", "Mod+y"], label: "Redo", run: () => put(edits.redo(history.current!)) },
    ...caret.bindings(border),
    ...keysFor(labels).flatMap((key, n) =>
      key === null ? [] : [{ group: "Labels", keys: [key], label: labels[n]!.name, run: () => give(labels[n]!.name) }]),
  ];
  useKeys(bindings);

  function activateOver(): void {
    const place = caret.extent();
    const found = place ? edits.over(state, place.start, place.end) : [];
    const next = found[(found.findIndex(({ key }) => key === state.active) + 1) % found.length];
    if (!next) return say("There is no span here.");
    caret.clear();
    edit((now) => edits.activate(now, next.key));
  }

  useLayoutEffect(() => {
    if (!busy()) focusOn(passage.current, state.active);
  }, []);
  useLayoutEffect(() => {
    if (!follow.current) return;
    follow.current = false;
    focusOn(passage.current, state.active);
  });

  return (
    <div class="spans">
      <div
        ref={passage}
        class="document spans-text"
        role="group"
        aria-label="Text with its spans"
        aria-describedby="spans-left"
        lang={item.document.language ?? undefined}
        tabIndex={0}
        style={{ "--lanes": lanes }}
      >
        <Passage {...{ offsets, labels, paragraphs, spans, lanes }} active={state.active} onActivate={activate} />
      </div>
      <Details
        entity={active}
        selected={caret.words}
        offsets={offsets}
        left={left}
        count={count}
        none={none === "said"}
        onToggle={() => edit(edits.toggle)}
        onBorder={byWord}
      />
      <Legend
        labels={labels}
        current={caret.words === null ? (active?.label ?? null) : null}
        alternative={active?.alternative ?? null}
        onPick={give}
        onSearch={find}
      />
      {search && (
        <TypeAhead
          labels={labels}
          first={[search.extent ? null : (active?.alternative ?? null)]}
          subject={`“${covered(search.extent ?? active)}”`}
          onPick={(label) => {
            setSearch(null);
            give(label, search.extent);
          }}
          onClose={() => {
            setSearch(null);
            focusOn(passage.current, history.current!.now.active);
          }}
        />
      )}
      <p class="out-of-sight" role="status">{said}</p>
    </div>
  );
}

/** Somebody is typing elsewhere: the focus stays there. */
function busy(): boolean {
  return document.activeElement?.matches("input, textarea, select, dialog, dialog *") ?? false;
}

function focusOn(passage: HTMLElement | null, key: number | null): void {
  const target = key === null ? passage : passage?.querySelector<HTMLElement>(`[data-key="${key}"]`);
  if (!target || target === document.activeElement) return;
  target.focus({ preventScroll: true });
  if (target !== passage) target.scrollIntoView({ block: "nearest" });
}

