import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { useDesk } from "../queue/desk";
import { href } from "../router";
import { Queues } from "./Queues";

export function Welcome(): VNode {
  const { engine } = useDesk();
  useEffect(() => void engine.open(null), [engine]);
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
