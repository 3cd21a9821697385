import type { VNode } from "preact";
import { shelf } from "../queue/desk";
import { unsentIn } from "../queue/outbox";
import { amount } from "../text/amounts";

/** The page is here and the service behind it is not. */
export function Away({ onRetry }: { onRetry(): void }): VNode {
  const unsent = unsentIn(shelf);
  return (
    <main class="gate">
      <div class="card gate-card" role="alert">
        <h1>The service cannot be reached</h1>
        {unsent > 0 && <p>{amount(unsent, "decision")} of yours are kept and sent as soon as it is back.</p>}
        <p class="row">
          <button type="button" class="button button-primary" onClick={onRetry}>
            Try again
          </button>
          <span class="small soft">The page also tries again by itself.</span>
        </p>
      </div>
    </main>
  );
}
