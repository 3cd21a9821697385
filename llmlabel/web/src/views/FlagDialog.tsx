import type { VNode } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { inWords, post } from "../api/client";
import type { Review } from "../api/types";
import { doubtfulClauses } from "../text/clauses";
import { Dialog } from "../ui/Dialog";

interface Props {
  item: Review;
  onClose(): void;
  onSent(): void;
}

/** A remark on the guideline for those who keep it; the item stays to be decided. */
export function FlagDialog({ item, onClose, onSent }: Props): VNode {
  const likely = useMemo(() => {
    const { named, between } = doubtfulClauses(item);
    return [...named, ...between][0] ?? "";
  }, [item]);
  const [clause, setClause] = useState(likely);
  const [comment, setComment] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [sending, setSending] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);

  const submit = async (): Promise<void> => {
    if (!comment.trim()) {
      setProblem("Say what is unclear or missing, so that it can be mended.");
      field.current?.focus();
      return;
    }
    setSending(true);
    try {
      await post(`/v1/reviews/${encodeURIComponent(item.id)}/flag`, {
        comment: comment.trim(),
        ...(clause ? { clause } : {}),
      });
      onSent();
      onClose();
    } catch (error) {
      setProblem(`${inWords(error)} What you wrote is still here.`);
      setSending(false);
    }
  };

  return (
    <Dialog
      title={`Flag the guideline ${item.guideline.title}`}
      onClose={onClose}
      bindings={[{ keys: ["Mod+Enter"], label: "Send", inFields: true, hidden: true, run: () => void submit() }]}
    >
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label class="field">
          <span>What is unclear, missing or wrong?</span>
          <textarea
            ref={field}
            autofocus
            rows={4}
            maxLength={10_000}
            value={comment}
            onInput={(event) => setComment(event.currentTarget.value)}
          />
        </label>
        {item.guideline.clauses.length > 0 && (
          <label class="field">
            <span>Which clause?</span>
            <select value={clause} onChange={(event) => setClause(event.currentTarget.value)}>
              <option value="">None of them</option>
              {item.guideline.clauses.map(({ id, text }) => (
                <option key={id} value={id}>
                  {id}: {text.replaceAll(/[`*]/g, "").slice(0, 60)}…
                </option>
              ))}
            </select>
          </label>
        )}
        {problem && (
          <p class="notice notice-bad" role="alert">
            {problem}
          </p>
        )}
        <div class="row">
          <button type="submit" class="button button-primary" disabled={sending}>
            Send the flag
          </button>
          <span class="small soft">The item stays with you.</span>
        </div>
      </form>
    </Dialog>
  );
}
