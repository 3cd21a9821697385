import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { LabelDefinition } from "../../api/types";
import { matching } from "./keys";

interface Props {
  labels: readonly LabelDefinition[];
  /** Offered before the others. */
  first: readonly (string | null)[];
  /** What gets the label, in words. */
  subject: string;
  /** What was typed before it opened. */
  begin?: string;
  onPick(label: string): void;
  onClose(): void;
}

/** Type a part of a label, Enter takes the first. */
export function TypeAhead({ labels, first, subject, begin = "", onPick, onClose }: Props): VNode {
  const [typed, setTyped] = useState(begin);
  const [chosen, setChosen] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const found = matching(labels, typed, first);
  const at = Math.min(chosen, found.length - 1);

  useLayoutEffect(() => input.current?.focus(), []);
  useEffect(() => list.current?.children[at]?.scrollIntoView({ block: "nearest" }), [at]);

  const press = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === "Escape") onClose();
    else if (event.key === "Enter") {
      const label = found[at];
      if (label) onPick(label.name);
    } else if (event.key === "ArrowDown") setChosen(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") setChosen(Math.max(at - 1, 0));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="typeahead card">
      <label class="field">
        <span class="small soft">Label of {subject}</span>
        <input
          ref={input}
          role="combobox"
          autocomplete="off"
          spellcheck={false}
          aria-expanded="true"
          aria-controls="typeahead-list"
          aria-activedescendant={at >= 0 ? `typeahead-${at}` : undefined}
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setChosen(0);
          }}
          onKeyDown={press}
          onBlur={onClose}
        />
      </label>
      <ul ref={list} id="typeahead-list" role="listbox" aria-label="Labels found">
        {found.map(({ name, definition }, n) => (
          <li
            key={name}
            id={`typeahead-${n}`}
            role="option"
            aria-selected={n === at}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => onPick(name)}
          >
            <b>{name}</b> <span class="small soft">{definition}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="small" role="status">No label has “{typed}”.</p>}
    </div>
  );
}
