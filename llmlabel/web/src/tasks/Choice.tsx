import type { VNode } from "preact";
import type { TaskProps } from "./task";

export function Choice({ item, onDecide }: TaskProps): VNode {
  return (
    <div>
      <p class="document">{item.document.text}</p>
      {item.guideline.labels.map(({ name }) => (
        <button
          key={name}
          type="button"
          class="button"
          onClick={() => onDecide({ kind: "correct", answer: { kind: "choice", label: name } })}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
