import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Binding } from "../keys";
import { Dialog } from "../ui/Dialog";

interface Props {
  onClose(): void;
  onReject(reason: string): void;
}

const REASONS = [
  "No label of the guideline fits.",
  "More than one answer is right.",
  "It cannot be read or heard.",
  "It does not belong here.",
];

/** Why no answer would be right: a key for the usual reasons, or words of one's own. */
export function RejectDialog({ onClose, onReject }: Props): VNode {
  const [words, setWords] = useState("");
  const bindings: Binding[] = REASONS.map((reason, n) => ({
    group: "Reasons",
    keys: [String(n + 1)],
    label: reason,
    run: () => onReject(reason),
  }));
  return (
    <Dialog title="Why would no answer be right?" onClose={onClose} bindings={bindings}>
      <div class="reasons">
        {REASONS.map((reason, n) => (
          <button key={reason} type="button" autofocus={n === 0} class="button" onClick={() => onReject(reason)}>
            <kbd aria-hidden="true">{n + 1}</kbd> {reason}
          </button>
        ))}
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (words.trim()) onReject(words.trim());
        }}
      >
        <label class="field spring">
          <span class="small">Another reason</span>
          <input value={words} maxLength={5_000} onInput={(event) => setWords(event.currentTarget.value)} />
        </label>
        <button type="submit" class="button button-primary" disabled={!words.trim()}>
          Reject
        </button>
      </form>
    </Dialog>
  );
}
