import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { inWords, post } from "../api/client";
import type { Flag } from "../api/types";
import { amount } from "../text/amounts";
import { Figure } from "./Figure";
import { ago } from "./formats";

interface Props {
  flags: readonly Flag[] | null;
  problem: string | null;
  guideline: string;
  now: number;
  /** Somebody answered one. */
  onResolved(): void;
}

/** What reviewers say of the guideline, to be answered. */
export function Flags({ flags, problem, guideline, now, onResolved }: Props): VNode {
  const [answered, setAnswered] = useState<readonly string[]>([]);
  const [said, setSaid] = useState("");
  const heading = useRef<HTMLDivElement>(null);
  const open = (flags ?? []).filter(({ id }) => !answered.includes(id));
  return (
    <Figure
      title="Open flags"
      of={flags ? amount(open.length, "remark") + " of reviewers on the guideline, newest first" : undefined}
      numbers={{
        columns: ["id", "clause", "reviewer", "made", "comment"],
        rows: open.map((each) => [each.id, each.clause, each.reviewer, each.created_at, each.comment]),
      }}
      empty={
        flags === null ? (
          <p>{problem ?? "Asking for flags…"}</p>
        ) : (
          open.length === 0 && (
            <p>
              No flag is open. Reviewers make one with <kbd>F</kbd> when a guideline is unclear; all of them are listed by{" "}
              <code>llmlabel reviews flags list {guideline}</code>.
            </p>
          )
        )
      }
    >
      <div ref={heading} tabIndex={-1} class="flags">
        <ul>
          {open.map((flag) => (
            <OneFlag
              key={flag.id}
              flag={flag}
              now={now}
              onResolved={() => {
                setAnswered([...answered, flag.id]);
                setSaid(`The flag of ${flag.reviewer} is answered.`);
                heading.current?.focus({ preventScroll: true });
                onResolved();
              }}
            />
          ))}
        </ul>
      </div>
      <p class="out-of-sight" role="status">
        {said}
      </p>
    </Figure>
  );
}

function OneFlag({ flag, now, onResolved }: { flag: Flag; now: number; onResolved(): void }): VNode {
  const [resolution, setResolution] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [sending, setSending] = useState(false);
  const field = useRef<HTMLInputElement>(null);

  const send = async (): Promise<void> => {
    if (!resolution.trim()) {
      setProblem("Say what was done, or why nothing is.");
      field.current?.focus();
      return;
    }
    setSending(true);
    try {
      await post(`/v1/flags/${encodeURIComponent(flag.id)}/resolve`, { resolution: resolution.trim() });
      onResolved();
    } catch (error) {
      setProblem(`${inWords(error)} What you wrote is still here.`);
      setSending(false);
    }
  };

  return (
    <li class="flag">
      <p class="small soft">
        {flag.clause && <b class="flag-clause">{flag.clause}</b>} <bdi>{flag.reviewer}</bdi>, {ago(flag.created_at, now)}, on{" "}
        <code>{flag.document_id}</code>
      </p>
      <p class="flag-comment" dir="auto">
        {flag.comment}
      </p>
      <form
        class="flag-answer"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <input
          ref={field}
          class="input"
          aria-label={`Answer to the flag of ${flag.reviewer}: what was done, or why nothing is`}
          placeholder="What was done, or why nothing is"
          maxLength={10_000}
          value={resolution}
          onInput={(event) => setResolution(event.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={sending}>
          Resolve
        </button>
      </form>
      {problem && (
        <p class="notice notice-bad small" role="alert">
          {problem}
        </p>
      )}
    </li>
  );
}
