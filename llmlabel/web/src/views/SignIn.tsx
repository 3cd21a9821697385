import type { VNode } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { inWords } from "../api/client";
import { signIn, type Who } from "../api/session";
import { useKeys } from "../keys";
import { amount } from "../text/amounts";

interface FormProps {
  onSignedIn(who: Who): void;
}

/** The whole page of whoever has not come in yet. */
export function SignIn({ onSignedIn }: FormProps): VNode {
  return (
    <main class="gate">
      <div class="card gate-card">
        <h1>Sign in</h1>
        <p class="soft">
          With the key that an admin of this service gave you. What you decide bears the name of the key.
        </p>
        <KeyForm onSignedIn={onSignedIn} />
      </div>
    </main>
  );
}

interface AgainProps extends FormProps {
  reviewer: string;
  unsent: number;
  /** Another tab of this browser signed in under this name. */
  other: Who | null;
}

/** Over the page of whoever was signed out while at work; all that they began stays behind it. */
export function SignInAgain({ reviewer, unsent, other, onSignedIn }: AgainProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useKeys([], { modal: true });
  useLayoutEffect(() => {
    const before = document.activeElement;
    const shown = dialog.current;
    shown?.showModal();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={id} onCancel={(event) => event.preventDefault()}>
      <div class="dialog-body">
        <h2 id={id}>Sign in again</h2>
        <p>
          You are signed out. Nothing is lost
          {unsent > 0 && `: ${amount(unsent, "decision")} of yours are kept here and sent as soon as you are back`}.
        </p>
        {other?.name && (
          <p class="notice notice-warn">
            Another tab of this browser signed in as <bdi>{other.name}</bdi>. Use the key of <bdi>{reviewer}</bdi> to go
            on here, or{" "}
            <button type="button" class="button" onClick={() => onSignedIn(other)}>
              Go on as {other.name}
            </button>
          </p>
        )}
        <KeyForm onSignedIn={onSignedIn} />
      </div>
    </dialog>
  );
}

function KeyForm({ onSignedIn }: FormProps): VNode {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const key = (field.current?.value ?? "").trim();
    if (!key) setProblem("Put your key in first; it begins with llml_.");
    else if (!busy) {
      setBusy(true);
      try {
        const who = await signIn(key);
        if (field.current) field.current.value = "";
        return onSignedIn(who);
      } catch (error) {
        setProblem(inWords(error));
      }
      setBusy(false);
    }
    field.current?.focus();
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)} noValidate>
      <label class="field">
        <span>Your key</span>
        <input
          ref={field}
          type="password"
          name="key"
          autocomplete="current-password"
          spellcheck={false}
          maxLength={200}
          aria-invalid={problem !== null}
          aria-describedby={problem ? id : undefined}
        />
      </label>
      {problem && (
        <p id={id} class="notice notice-bad" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="button button-primary" disabled={busy}>
        Sign in
      </button>
    </form>
  );
}
