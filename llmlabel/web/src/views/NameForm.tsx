import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

const LONGEST = 200;

/** Who reviews: every verdict carries the name. */
export function NameForm({ onName }: { onName(name: string): void }): VNode {
  const [problem, setProblem] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = (event: Event): void => {
    event.preventDefault();
    const name = (field.current?.value ?? "").trim();
    if (name) return onName(name);
    setProblem("Write your name first; a nickname will do.");
    field.current?.focus();
  };
  return (
    <main class="gate">
      <form class="card gate-card" onSubmit={submit} noValidate>
        <h1>Who reviews?</h1>
        <p class="soft">
          Your decisions are kept under this name. Use the same one each time: nobody is given the same item twice.
        </p>
        <label class="field">
          <span>Your name</span>
          <input
            ref={field}
            name="reviewer"
            autocomplete="username"
            maxLength={LONGEST}
            aria-invalid={problem !== null}
            aria-describedby={problem ? "name-problem" : undefined}
          />
        </label>
        {problem && (
          <p id="name-problem" class="notice notice-bad" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="button button-primary">
          Begin
        </button>
      </form>
    </main>
  );
}
