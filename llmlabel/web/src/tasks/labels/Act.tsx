import type { VNode } from "preact";
import { keepSelection } from "./Legend";

interface Props {
  name: string;
  /** The key that does the same. */
  shortcut: string;
  onAct(): void;
}

/** What a key does, for a finger or a mouse. */
export function Act({ name, shortcut, onAct }: Props): VNode {
  return (
    <button type="button" class="button act" onPointerDown={keepSelection} onClick={onAct}>
      {name} <kbd aria-hidden="true">{shortcut}</kbd>
    </button>
  );
}
