import type { VNode } from "preact";
import type { Snapshot } from "../queue/snapshot";
import type { Filter } from "../queue/transport";
import { href } from "../router";
import { amount } from "../text/amounts";
import { Queues } from "./Queues";

interface Props {
  snapshot: Snapshot;
  where: Filter;
  onRetry(): void;
  onUndo(): void;
  onSkipped(): void;
}

/** What stands where no item does: items are fetched, cannot be, or there are none. */
export function NoItem({ snapshot, where, onRetry, onUndo, onSkipped }: Props): VNode {
  if (snapshot.phase === "failed")
    return (
      <div class="card quiet-card" role="alert">
        <h1>{snapshot.online ? "No items could be fetched" : "The service cannot be reached"}</h1>
        <p>{snapshot.error}</p>
        {snapshot.unsent > 0 && (
          <p class="soft">{amount(snapshot.unsent, "decision")} of yours are kept and sent as soon as it is back.</p>
        )}
        <p class="row">
          <button type="button" class="button button-primary" onClick={onRetry}>
            Try again
          </button>
          <span class="small soft">The page also tries again by itself.</span>
        </p>
      </div>
    );
  if (snapshot.phase !== "empty")
    return (
      <p class="loading">
        {snapshot.delayed ? `The service is busy: ${amount(snapshot.unsent, "decision")} of yours are kept and sent first…` : "Fetching items…"}
      </p>
    );
  const narrowed = where.kind !== null || where.language !== null;
  const leased = snapshot.waiting?.leased ?? 0;
  return (
    <div class="stack">
      <div class="card quiet-card">
        <h1>{where.queue === "adjudication" ? "Nothing to adjudicate" : "All done here"}</h1>
        <p class="soft">
          {snapshot.decided > 0 && `You decided ${amount(snapshot.decided, "item")} in this sitting. `}
          {snapshot.skipped > 0 &&
            `${amount(snapshot.skipped, "item")} that you skipped ${snapshot.skipped === 1 ? "waits" : "wait"} for someone else. `}
          {leased > 0 && `${amount(leased, "item")} ${leased === 1 ? "is" : "are"} with other reviewers. `}
          The page looks again every 15 seconds.
        </p>
        <p class="row">
          {narrowed && (
            <a class="button button-primary" href={href(where.queue, where.guideline)}>
              Review the rest of this guideline
            </a>
          )}
          {where.guideline && (
            <a class="button" href={href(where.queue)}>
              All guidelines
            </a>
          )}
          {snapshot.skipped > 0 && (
            <button type="button" class="button" onClick={onSkipped}>
              Look at what you skipped
            </button>
          )}
          {snapshot.decided > 0 && (
            <button type="button" class="button" onClick={onUndo}>
              Undo <kbd aria-hidden="true">Z</kbd>
            </button>
          )}
        </p>
      </div>
      <h2>What else waits</h2>
      <Queues />
    </div>
  );
}
