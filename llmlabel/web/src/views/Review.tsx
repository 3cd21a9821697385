import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Review as Item } from "../api/types";
import { useKeys } from "../keys";
import { setPref, usePrefs } from "../prefs";
import { useDesk, useSnapshot } from "../queue/desk";
import { proposed } from "../queue/hand";
import type { Filter } from "../queue/transport";
import { preload, Recording, taskFor } from "../tasks";
import type { Decision, Pending, TaskProps } from "../tasks/task";
import { answerInWords, sameAnswer } from "../text/answers";
import { Metadata } from "../ui/DocumentText";
import { ActionBar } from "./ActionBar";
import { FlagDialog } from "./FlagDialog";
import { GuidelinePane } from "./GuidelinePane";
import { NoItem } from "./NoItem";
import { RejectDialog } from "./RejectDialog";
import { Why } from "./Why";
import "../styles/review.css";

interface Props {
  queue: "review" | "adjudication";
  guideline: string | null;
  query: Record<string, string>;
}

const SAID = { confirm: "Confirmed", correct: "Answered", reject: "Rejected", skip: "Skipped" };

export function Review({ queue, guideline, query }: Props): VNode {
  const { engine } = useDesk();
  const snapshot = useSnapshot(engine);
  const where = useMemo(
    (): Filter => ({
      guideline,
      queue,
      kind: query["kind"] ?? null,
      language: query["language"] ?? null,
      order: query["order"] === "oldest" ? "oldest" : null,
    }),
    [queue, guideline, JSON.stringify(query)],
  );
  const { guidelineOpen } = usePrefs();
  const [dialog, setDialog] = useState<"reject" | "flag" | null>(null);
  const [comment, setComment] = useState<string | null>(null);
  const [last, setLast] = useState<string | null>(null);
  const [pending, setPending] = useState<Pending | null>(null);
  const article = useRef<HTMLElement>(null);
  /** How many decisions were made: two equal ones are told one by one. */
  const given = useRef(0);
  const { current, notice } = snapshot;
  const item = current?.item ?? null;

  useEffect(() => void engine.open(where), [engine, where]);
  useEffect(() => preload(item ? [item, ...snapshot.ahead] : snapshot.ahead), [item, snapshot.ahead.length]);
  useLayoutEffect(() => {
    setComment(null);
    setDialog(null);
    const main = article.current;
    if (main && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }, [item?.id]);

  const decide = (decision: Decision): void => {
    const answer = decision.answer ?? (decision.kind === "confirm" && item ? proposed(item) : null);
    given.current += 1;
    setLast(`${SAID[decision.kind]}${answer ? `: ${answerInWords(answer)}` : ""}`);
    engine.decide({ ...decision, comment: decision.comment ?? (comment?.trim() || undefined) });
  };
  const confirms = item !== null && !item.blind && !item.answers && sameAnswer(current?.draft ?? null, proposed(item));
  const send = (): void => {
    if (!current) return;
    const { draft } = current;
    if (!draft) engine.say("Give an answer first, or reject the item.", "warn");
    else if (confirms) decide({ kind: "confirm" });
    else decide({ kind: "correct", answer: draft });
  };
  const undo = (): void => {
    setLast(null);
    void engine.undo();
  };

  const actions = {
    send,
    undo,
    skip: () => decide({ kind: "skip" }),
    reject: () => setDialog("reject"),
    flag: () => setDialog("flag"),
    comment: () => setComment((now) => now ?? ""),
    guideline: () => setPref("guidelineOpen", !guidelineOpen),
  };
  const none = !item;
  const group = "Deciding";
  useKeys(
    [
      { group, keys: ["Enter"], label: "Confirm, or send the answer as it stands", run: send, disabled: none },
      { group, keys: ["Mod+Enter"], label: "Send all as it stands, what is in doubt too, and from within a text field", run: send, disabled: none, inFields: true },
      { group, keys: ["z"], label: "Take the last decision back", run: undo },
      { group, keys: ["s"], label: "Skip: someone else should decide", run: actions.skip, disabled: none },
      { group, keys: ["r"], label: "Reject: no answer would be right", run: actions.reject, disabled: none },
      { group, keys: ["c"], label: "Comment on the decision", run: actions.comment, disabled: none },
      { group: "Guideline", keys: ["g"], label: "Show or hide the guideline", run: actions.guideline },
      { group: "Guideline", keys: ["f"], label: "Flag the guideline", run: actions.flag, disabled: none },
    ],
    { base: true },
  );

  const pane = guidelineOpen && item;
  return (
    <main id="main" class={pane ? "review review-split" : "review"}>
      {/* It is there before anything is said: screen readers tell what comes into it, equal words too. */}
      <p class={notice?.tone === "warn" ? "notice notice-warn" : "out-of-sight"} role="status">
        {notice && <span key={notice.id}>{notice.words}</span>}
      </p>
      {current && item ? (
        <article ref={article} tabIndex={-1} class="work" aria-label={nameOf(item)} data-review={item.id}>
          <Heading item={item} ahead={snapshot.ahead.length} decided={snapshot.decided} open={snapshot.waiting?.open ?? null} />
          <section class="card paper" aria-label="Item">
            <Recording key={`sound ${item.id}`} item={item} />
            <Task
              key={item.id}
              item={item}
              draft={current.draft}
              begun={current.begun}
              onDecide={decide}
              onDraft={(answer, begun) => engine.setDraft(answer, begun)}
              onPending={setPending}
            />
            <Metadata document={item.document} />
          </section>
          <ActionBar ready={current.draft !== null} confirms={confirms} pending={pending} actions={actions} comment={comment} onComment={setComment} last={last} />
          <Why item={item} />
        </article>
      ) : (
        <NoItem snapshot={snapshot} where={where} onRetry={() => void engine.refill(true)} onUndo={undo} onSkipped={() => void engine.takeSkipped()} />
      )}
      {pane && <GuidelinePane key={item.guideline.ref} item={item} onClose={actions.guideline} onFlag={actions.flag} />}
      {item && dialog === "reject" && (
        <RejectDialog
          onClose={() => setDialog(null)}
          onReject={(reason) => decide({ kind: "reject", comment: [reason, comment?.trim()].filter(Boolean).join(" ") })}
        />
      )}
      {item && dialog === "flag" && (
        <FlagDialog item={item} onClose={() => setDialog(null)} onSent={() => engine.say("The flag is sent to whoever keeps the guideline.")} />
      )}
      <p class="out-of-sight" role="status">
        {last && <span key={given.current}>{last}.</span>}
      </p>
    </main>
  );
}

function Task(props: TaskProps): VNode {
  const Component = taskFor(props.item);
  return <Component {...props} />;
}

interface HeadingProps {
  item: Item;
  ahead: number;
  decided: number;
  open: number | null;
}

function Heading({ item, decided, open }: HeadingProps): VNode {
  return (
    <header class="work-head">
      <div class="row small soft">
        <span>{item.guideline.title}</span>
        <span aria-hidden="true">·</span>
        <span>{item.guideline.ref}</span>
        {item.blind && (
          <span class="chip" title="Decide by yourself: what was proposed is not shown.">
            blind
          </span>
        )}
        {item.answers && <span class="chip chip-warn">adjudication</span>}
        <span class="spring" />
        <span class="number" aria-label={`${decided} decided, ${open ?? "an unknown number"} waiting`}>
          {decided > 0 && `${decided} decided · `}
          {open !== null && `${open.toLocaleString("en")} waiting`}
        </span>
      </div>
      <h1>{item.guideline.question}</h1>
    </header>
  );
}

function nameOf(item: Item): string {
  return `${item.guideline.title}: ${(item.document.text ?? "recording").slice(0, 300)}`;
}
