import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import type { LabelDefinition } from "../../api/types";
import { hueOf, keysFor } from "./keys";
import "./labels.css";

interface Props {
  labels: readonly LabelDefinition[];
  /** Of what the keys act on now. */
  current: string | null;
  alternative: string | null;
  onPick(label: string): void;
  onSearch(): void;
}

/** Every label with its key; one Tab stop, arrows go from label to label. */
export function Legend({ labels, current, alternative, onPick, onSearch }: Props): VNode {
  const bar = useRef<HTMLDivElement>(null);
  const keys = keysFor(labels);
  const stop = Math.max(0, labels.findIndex(({ name }) => name === current));

  const move = (event: KeyboardEvent): void => {
    const buttons = [...(bar.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(event.target as HTMLButtonElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1 }[event.key];
    if (at < 0 || to === undefined || event.shiftKey || event.altKey || event.ctrlKey) return;
    event.preventDefault();
    buttons[(to + buttons.length) % buttons.length]?.focus();
  };

  return (
    <div ref={bar} class="legend" role="toolbar" aria-label="Labels" onKeyDown={move}>
      {labels.map(({ name, definition }, n) => (
        <button
          key={name}
          type="button"
          class="legend-label"
          title={definition}
          aria-pressed={name === current}
          tabIndex={n === stop ? 0 : -1}
          style={{ "--hue": `var(${hueOf(labels, name)})`, "--hue-line": `var(${hueOf(labels, name)}-line)` }}
          onPointerDown={keepSelection}
          onClick={() => onPick(name)}
        >
          {keys[n] && <kbd aria-hidden="true">{keys[n]}</kbd>}
          <span>{name}</span>
          {name === alternative && <kbd title="The next best label">0</kbd>}
        </button>
      ))}
      <button type="button" class="legend-label legend-search" tabIndex={-1} onPointerDown={keepSelection} onClick={onSearch}>
        <kbd aria-hidden="true">/</kbd>
        <span>find a label</span>
      </button>
    </div>
  );
}

/** A press on a label must not take the selection of the text away. */
export function keepSelection(event: Event): void {
  event.preventDefault();
}
