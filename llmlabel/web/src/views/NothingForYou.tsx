import type { VNode } from "preact";
import type { Page } from "../router";

/** A page that the key is not for. */
export function NothingForYou({ page }: { page: Page }): VNode {
  const role = page === "dashboard" ? "evaluator" : "reviewer";
  return (
    <main id="main" class="stack">
      <div class="card quiet-card">
        <h1>Not for this key</h1>
        <p>
          This page is for the role <b>{role}</b>, and your key does not have it. Ask an admin of the service for one
          that has, then sign out and in again.
        </p>
      </div>
    </main>
  );
}
