import type { VNode } from "preact";
import { href } from "../router";

export function Welcome(): VNode {
  return (
    <main>
      <h1>Review</h1>
      <a class="button" href={href("review")}>
        Start
      </a>
    </main>
  );
}
