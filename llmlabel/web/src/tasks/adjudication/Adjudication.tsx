import type { ComponentType, VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Answer, Kind, Review, VerdictKind } from "../../api/types";
import { useKeys, type Binding } from "../../keys";
import { Choice } from "../Choice";
import { hueOf } from "../labels/keys";
import { Spans } from "../spans/Spans";
import type { TaskProps } from "../task";
import { Tokens } from "../tokens/Tokens";
import { Transcript } from "../transcript/Transcript";
import { SpanDifferences, TokenDifferences } from "./Differences";
import { textDifferences, type Stretch } from "./differences";
import "./adjudication.css";

const TASKS: Record<Kind, ComponentType<TaskProps>> = { choice: Choice, spans: Spans, tokens: Tokens, transcript: Transcript };

interface Member {
  by: string;
  answer: Answer | null;
  kind: VerdictKind | null;
  comment: string | null;
}

/** What each member of a panel said, side by side; one of it is taken, and changed if need be. */
export function Adjudication(props: TaskProps): VNode {
  return <Panel key={props.item.id} {...props} />;
}

function Panel({ item, draft, begun, onDraft, onDecide, onPending }: TaskProps): VNode {
  const members = item.answers ?? [];
  const machine = item.proposal?.answer ?? null;
  const all: Member[] = machine ? [...members, { by: "M", answer: machine, kind: null, comment: null }] : members;
  const [taken, setTaken] = useState<{ by: string; round: number } | null>(null);
  const [said, say] = useState("");

  const take = (member: Member): void => {
    if (member.answer === null) return say(`${member.by} found that there is no right answer; R says so, too.`);
    setTaken({ by: member.by, round: (taken?.round ?? 0) + 1 });
    say(`The answer of ${member.by === "M" ? "the model" : member.by} is taken.`);
    onDraft(member.answer);
  };
  const inner = useMemo(() => within(item, all.find(({ by }) => by === taken?.by)?.answer ?? null), [item, taken]);
  const texts = useMemo(() => differing(all), [item]);
  const Task = TASKS[item.guideline.kind];
  const round = taken?.round ?? 0;
  const text = item.document.text ?? "";
  const { labels } = item.guideline;

  return (
    <div class="panel">
      <section class="panel-answers" aria-label="What the panel said">
        {all.map((member, n) => (
          <article key={member.by} class={`card panel-answer${taken?.by === member.by ? " panel-taken" : ""}`}>
            <div class="row">
              <h2 class="spring">{member.by === "M" ? "Model" : member.by}</h2>
              {member.answer && (
                <button type="button" class="button small" aria-pressed={taken?.by === member.by} onClick={() => take(member)}>
                  Take <kbd>⇧ {member.by}</kbd>
                </button>
              )}
            </div>
            <Saying member={member} item={item} texts={texts[n] ?? []} />
            {member.comment && <blockquote class="panel-comment small">{member.comment}</blockquote>}
          </article>
        ))}
      </section>
      {item.guideline.kind === "spans" && <SpanDifferences text={text} labels={labels} said={members} />}
      {item.guideline.kind === "tokens" && <TokenDifferences text={text} labels={labels} said={members} />}
      <section aria-label="Your answer">
        <Task
          key={`task ${round}`}
          item={inner}
          draft={draft}
          begun={begun}
          onDraft={onDraft}
          onDecide={onDecide}
          onPending={draft ? onPending : nothingPending}
        />
      </section>
      <Keys
        key={`keys ${round}`}
        members={all}
        onTake={take}
        decided={draft !== null}
        onEarly={() => say(`Take an answer first: ${all.filter(({ answer }) => answer).map(({ by }) => `Shift+${by}`).join(", ")}.`)}
      />
      <p class={said ? "small" : "out-of-sight"} role="status">
        {said}
      </p>
    </div>
  );
}

/** Before an answer is taken there is none to finish. */
function nothingPending(): void {}

interface KeysProps {
  members: readonly Member[];
  decided: boolean;
  onTake(member: Member): void;
  onEarly(): void;
}

/** Stands after the task and comes anew with it, so that its Enter goes before the task's. */
function Keys({ members, decided, onTake, onEarly }: KeysProps): null {
  const group = "Panel";
  const bindings: Binding[] = members.map((member) => ({
    group,
    keys: [`Shift+${member.by.toLowerCase()}`],
    label: member.by === "M" ? "Take the model's answer" : `Take the answer of ${member.by}`,
    run: () => onTake(member),
  }));
  // An empty answer must be meant.
  bindings.push({ group, keys: ["Enter"], label: "Send the answer", disabled: decided, hidden: true, run: onEarly });
  useKeys(bindings);
  return null;
}

/** What a member said in short; the table below says more of spans and tokens. */
function Saying({ member, item, texts }: { member: Member; item: Review; texts: readonly Stretch[] }): VNode {
  const { answer } = member;
  if (answer === null) return <p>There is no right answer.</p>;
  switch (answer.kind) {
    case "choice":
      return (
        <p>
          <span class="tag" style={{ background: `var(${hueOf(item.guideline.labels, answer.label)})` }}>
            {answer.label}
          </span>
        </p>
      );
    case "transcript":
      return (
        <p class="panel-text" dir="auto">
          {answer.text === "" && <span class="soft">Nobody speaks.</span>}
          {texts.map(({ text, differs }, n) => (differs ? <mark key={n}>{text}</mark> : text))}
        </p>
      );
    case "spans":
      return <p class="soft">{answer.spans.length === 1 ? "1 span" : `${answer.spans.length} spans`}</p>;
    case "tokens":
      return <p class="soft">{answer.tokens.length === 1 ? "1 token" : `${answer.tokens.length} tokens`}</p>;
  }
}

/** The stretches of every transcript, at the member's number. */
function differing(members: readonly Member[]): Record<number, Stretch[]> {
  const texts = members.flatMap(({ answer }, n) => (answer?.kind === "transcript" ? [{ n, text: answer.text }] : []));
  const found = textDifferences(texts.map(({ text }) => text));
  return Object.fromEntries(texts.map(({ n }, at) => [n, found[at]!]));
}

/**
 * The item as the usual task gets it: what was taken is what it begins with, and none of it in
 * doubt. A choice begins with nothing: to confirm would be to confirm what the model proposed.
 */
function within(item: Review, answer: Answer | null): Review {
  const tokens = item.proposal?.answer?.kind === "tokens" ? item.proposal.answer.tokens : item.tokens;
  return {
    ...item,
    answers: null,
    opinions: null,
    scores: null,
    tokens: tokens && tokens.map(({ start, end }) => ({ start, end })),
    proposal: answer && answer.kind !== "choice" ? { answer, confidence: null, reason: "", units: [] } : null,
  };
}
