import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Pending } from "../tasks/task";

export interface Actions {
  send(): void;
  undo(): void;
  skip(): void;
  reject(): void;
  flag(): void;
  comment(): void;
  guideline(): void;
}

interface Props {
  /** There is an answer to send. */
  ready: boolean;
  /** It is the proposed one. */
  confirms: boolean;
  /** What has to be done first. */
  pending: Pending | null;
  actions: Actions;
  /** Null while no comment is begun. */
  comment: string | null;
  onComment(words: string | null): void;
  last: string | null;
}

const LONGEST = 10_000;

/** What can be done with the item, each with its key. */
export function ActionBar({ ready, confirms, pending, actions, comment, onComment, last }: Props): VNode {
  return (
    <div class="actions">
      {comment !== null && <Comment words={comment} onComment={onComment} />}
      <div class="row">
        <button type="button" class={pending?.quiet ? "button" : "button button-primary"} aria-disabled={!ready && !pending} onClick={pending?.go ?? actions.send}>
          {pending?.words ?? (confirms ? "Confirm" : "Send")} <kbd aria-hidden="true">⏎</kbd>
        </button>
        <Action name="Undo" letter="Z" onPress={actions.undo} />
        <Action name="Skip" letter="S" onPress={actions.skip} />
        <Action name="Reject" letter="R" onPress={actions.reject} />
        <Action name="Comment" letter="C" onPress={actions.comment} />
        <Action name="Guideline" letter="G" onPress={actions.guideline} />
        <Action name="Flag" letter="F" onPress={actions.flag} />
        <span class="spring" />
        {last && (
          <span class="small soft last" aria-hidden="true">
            {last}
          </span>
        )}
      </div>
    </div>
  );
}

function Action({ name, letter, onPress }: { name: string; letter: string; onPress(): void }): VNode {
  return (
    <button type="button" class="button" onClick={onPress}>
      {name} <kbd aria-hidden="true">{letter}</kbd>
    </button>
  );
}

function Comment({ words, onComment }: { words: string; onComment(words: string | null): void }): VNode {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const leave = (): void => document.querySelector<HTMLElement>(".work")?.focus({ preventScroll: true });
  return (
    <label class="field comment">
      <span class="small">
        Comment, sent with the decision <span class="soft">(Enter goes back to the item)</span>
      </span>
      <textarea
        ref={field}
        rows={2}
        maxLength={LONGEST}
        value={words}
        onInput={(event) => onComment(event.currentTarget.value)}
        onKeyDown={(event) => {
          const done = event.key === "Escape" || (event.key === "Enter" && !event.shiftKey);
          if (!done || event.ctrlKey || event.metaKey || event.isComposing) return;
          event.preventDefault();
          event.stopPropagation();
          if (event.key === "Escape" || !words.trim()) onComment(null);
          leave();
        }}
      />
    </label>
  );
}
