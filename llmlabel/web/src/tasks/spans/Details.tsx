import type { VNode } from "preact";
import type { Offsets } from "../../text/codepoints";
import { Act } from "../labels/Act";
import { waits, type Entity } from "./entities";

interface Props {
  entity: Entity | null;
  /** The words selected in the text. */
  selected: string | null;
  offsets: Offsets;
  /** How many spans wait for a decision. */
  left: number;
  onAccept(): void;
  onToggle(): void;
}

/** What is known of the active span, and what is left to do. */
export function Details({ entity, selected, offsets, left, onAccept, onToggle }: Props): VNode {
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
      ) : (
        <span class="soft">Arrows select words, a label’s key makes them a span.</span>
      )}
      {entity && selected === null && (
        <span class="row">
          {waits(entity) && (
            <Act name={entity.inside ? "Accept" : "Leave out"} shortcut="Enter" onAct={onAccept} />
          )}
          <Act name={entity.inside ? "Take out" : "Put in"} shortcut="Space" onAct={onToggle} />
        </span>
      )}
      <span id="spans-left" class={left > 0 ? "spans-left" : "soft"}>
        {left > 0 ? `${left} in doubt` : "nothing in doubt is left"}
      </span>
    </div>
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
