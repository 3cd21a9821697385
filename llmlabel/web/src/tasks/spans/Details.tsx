import type { VNode } from "preact";
import type { Offsets } from "../../text/codepoints";
import { Act } from "../labels/Act";
import { keepSelection } from "../labels/Legend";
import type { Entity } from "./entities";

interface Props {
  entity: Entity | null;
  /** The words selected in the text. */
  selected: string | null;
  offsets: Offsets;
  /** How many spans wait for a decision. */
  left: number;
  /** How many spans the answer has. */
  count: number;
  /** The reviewer has said that there are none. */
  none: boolean;
  onToggle(): void;
  /** Move a border of the active span by a word; `step` 1 is on in the text. */
  onBorder(side: "start" | "end", step: 1 | -1): void;
}

/** What is known of the active span, and what is left to do. */
export function Details({ entity, selected, offsets, left, count, none, onToggle, onBorder }: Props): VNode {
  return (
    <div class="spans-details small">
      {selected !== null ? (
        <span>
          Selected: <b dir="auto">{short(selected)}</b>. A label’s key makes it a span.
        </span>
      ) : entity ? (
        <span>
          <b dir="auto">{short(offsets.slice(entity.start, entity.end))}</b> {facts(entity).join(" · ")}
        </span>
      ) : none ? (
        <b>No spans: Enter sends that there are none.</b>
      ) : (
        <span class="soft">Arrows select words, a label’s key makes them a span.</span>
      )}
      {entity && selected === null && (
        <span class="row">
          <Act name={entity.inside ? "Take out" : "Put in"} shortcut="Space" onAct={onToggle} />
        </span>
      )}
      {entity && selected === null && <Borders onBorder={onBorder} />}
      <span id="spans-left" class={left > 0 ? "spans-left" : "soft"}>
        {left > 0 ? `${left} in doubt` : count === 1 ? "1 span" : `${count} spans`}
      </span>
    </div>
  );
}

/** For fingers, which have no arrow keys: shown where there is no mouse. */
function Borders({ onBorder }: Pick<Props, "onBorder">): VNode {
  return (
    <span class="row spans-borders" role="group" aria-label="Borders of the span">
      {(["start", "end"] as const).map((side) => (
        <span key={side} class="row">
          {side === "start" ? "Start" : "End"}
          {([-1, 1] as const).map((step) => (
            <button
              key={step}
              type="button"
              class="button act"
              aria-label={`${side === "start" ? "Start" : "End"} one word ${step > 0 ? "on" : "back"}`}
              onPointerDown={keepSelection}
              onClick={() => onBorder(side, step)}
            >
              {step > 0 ? "+" : "−"}
            </button>
          ))}
        </span>
      ))}
    </span>
  );
}

function facts(entity: Entity): string[] {
  const { label, probability, alternative, note, by, inside, settled } = entity;
  const said = [label];
  if (!inside) said.push(settled ? "left out" : "not in the answer");
  if (probability !== null) said.push(`probability ${probability.toFixed(2)}`);
  if (alternative !== null) said.push(`or ${alternative} (0)`);
  if (note !== null) said.push(note);
  if (by.length > 0) said.push(`by ${by.join(", ")}`);
  return said;
}

function short(text: string): string {
  const points = Array.from(text);
  return points.length > 60 ? `${points.slice(0, 40).join("")} … ${points.slice(-15).join("")}` : text;
}
