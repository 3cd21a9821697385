import type { VNode } from "preact";
import { href } from "../router";
import { Queues } from "./Queues";

export function Welcome(): VNode {
  return (
    <main id="main" class="welcome">
      <div class="row">
        <h1>What waits for you</h1>
        <span class="spring" />
        <a class="button" href={href("review")}>
          Review whatever matters most
        </a>
      </div>
      <Queues />
    </main>
  );
}
