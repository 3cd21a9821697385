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
  /** How many spans the answer has. */
  count: number;
  /** That there are none is said; or has still to be said. */
  none: "said" | "asked" | null;
  onAccept(): void;
  onToggle(): void;
}

/** What is known of the active span, and what is left to do. */
export function Details({ entity, selected, offsets, left, count, none, onAccept, onToggle }: Props): VNode {
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
      ) : none === "said" ? (
        <b>No spans: Enter sends that there are none.</b>
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
      {!entity && none === "asked" && selected === null && (
        <Act name="There are none" shortcut="Enter" onAct={onAccept} />
      )}
      <span id="spans-left" class={left > 0 ? "spans-left" : "soft"}>
        {left > 0 ? `${left} in doubt` : count === 1 ? "1 span" : `${count} spans`}
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
