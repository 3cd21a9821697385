import type { VNode } from "preact";

export function Dashboard({ guideline }: { guideline: string | null }): VNode {
  return <h1>{guideline ?? "Quality"}</h1>;
}
