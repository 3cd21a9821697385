import { Fragment, type VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { LabelDefinition } from "../api/types";
import { type Binding, useKeys } from "../keys";
import { prefs } from "../prefs";
import { percent } from "../text/amounts";
import { DocumentText } from "../ui/DocumentText";
import { hueOf, keysFor } from "./labels/keys";
import { TypeAhead } from "./labels/TypeAhead";
import { offered } from "./offered";
import type { TaskProps } from "./task";
import "./labels/labels.css";
import "./choice.css";

/** One label of several: a key or a press gives it. */
export function Choice({ item, draft, onDraft, onDecide }: TaskProps): VNode {
  const { labels } = item.guideline;
  const [search, setSearch] = useState<string | null>(null);
  const proposed = item.proposal?.answer?.kind === "choice" ? item.proposal.answer.label : null;
  const chosen = draft?.kind === "choice" ? draft.label : null;
  const shown = useMemo(() => offered(labels, item.scores, proposed), [item]);
  const keys = shown.ranked ? shown.labels.map((_, n) => String(n + 1)) : keysFor(labels);

  const pick = (label: string): void => {
    setSearch(null);
    const answer = { kind: "choice", label } as const;
    if (!prefs().instant) onDraft(answer);
    else if (label === proposed && !item.blind) onDecide({ kind: "confirm" });
    else onDecide({ kind: "correct", answer });
  };

  const bindings: Binding[] = shown.labels.flatMap(({ name }, n) => {
    const key = keys[n];
    return key ? [{ group: "Labels", keys: [key], label: name, run: () => pick(name) }] : [];
  });
  bindings.push({
    group: "Labels",
    keys: ["/"],
    label: "Find a label by typing",
    disabled: labels.length < 10,
    hidden: labels.length < 10,
    run: () => setSearch(""),
  });
  if (shown.ranked)
    bindings.push({
      group: "Labels",
      keys: [..."abdehijklmnopqtuvwxy"],
      label: "Find a label that begins so",
      run: (event) => setSearch(event.key.length === 1 ? event.key : ""),
    });
  useKeys(bindings);

  return (
    <div class="choice">
      <DocumentText document={item.document} />
      <div class={labels.length > 9 ? "choices choices-many" : "choices"} role="group" aria-label="Labels">
        {shown.labels.map((label, n) => (
          <Option
            key={label.name}
            label={label}
            hue={hueOf(labels, label.name)}
            shortcut={keys[n] ?? null}
            score={item.scores?.[label.name] ?? null}
            proposed={label.name === proposed}
            chosen={label.name === chosen}
            onPick={pick}
          />
        ))}
        {labels.length > 9 && (
          <button type="button" class="choice-find" onClick={() => setSearch("")}>
            <kbd aria-hidden="true">/</kbd>
            {shown.ranked ? `Find one of ${labels.length} labels: type its first letters` : "Find a label by typing"}
          </button>
        )}
      </div>
      {chosen && !shown.labels.some(({ name }) => name === chosen) && (
        <p role="status">
          Your answer: <strong>{chosen}</strong>
        </p>
      )}
      {search !== null && (
        <TypeAhead
          labels={labels}
          first={[proposed]}
          subject="this text"
          begin={search}
          onPick={pick}
          onClose={() => setSearch(null)}
        />
      )}
    </div>
  );
}

interface OptionProps {
  label: LabelDefinition;
  hue: string;
  shortcut: string | null;
  score: number | null;
  proposed: boolean;
  chosen: boolean;
  onPick(label: string): void;
}

function Option({ label, hue, shortcut, score, proposed, chosen, onPick }: OptionProps): VNode {
  return (
    <button
      type="button"
      class={chosen ? "choice-label choice-chosen" : "choice-label"}
      aria-pressed={chosen}
      style={{ "--hue": `var(${hue})`, "--hue-line": `var(${hue}-line)`, "--score": score ?? 0 }}
      onClick={() => onPick(label.name)}
    >
      {score !== null && <span class="choice-bar" />}
      <kbd aria-hidden="true">{shortcut ?? "·"}</kbd>
      <span class="choice-words">
        <span class="choice-name">
          <Breakable name={label.name} />
          {proposed && <span class="choice-mark">proposed</span>}
          {chosen && !proposed && <span class="choice-mark">your answer</span>}
        </span>
        <span class="choice-meaning">{label.definition}</span>
      </span>
      {score !== null && <span class="choice-score number">{percent(score)}</span>}
    </button>
  );
}

/** A long name may go on in the next line after a mark that joins its words. */
function Breakable({ name }: { name: string }): VNode {
  return (
    <span>
      {name.split(/(?<=[_/:.-])/).map((part, n) => (
        <Fragment key={n}>
          {part}
          <wbr />
        </Fragment>
      ))}
    </span>
  );
}
