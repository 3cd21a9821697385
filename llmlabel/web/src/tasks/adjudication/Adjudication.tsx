import type { VNode } from "preact";
import type { TaskProps } from "../task";

export function Adjudication({ item }: TaskProps): VNode {
  return <p class="document">{item.document.text}</p>;
}
