import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { LabelDefinition } from "../../api/types";
import type { Offsets } from "../../text/codepoints";
import type { Extent } from "../../text/words";
import { hueOf } from "../labels/keys";
import { waits, type Entity } from "./entities";
import { segments, type Layered, type Segment } from "./layers";

export interface Drawing {
  offsets: Offsets;
  labels: readonly LabelDefinition[];
  /** The key of the entity that keys act on. */
  active: number | null;
  /** Lanes under the text in all. */
  lanes: number;
  onActivate(key: number): void;
}

interface PassageProps extends Drawing {
  paragraphs: readonly Extent[];
  spans: readonly Layered[];
}

/** The text with its spans marked. */
export function Passage({ paragraphs, spans, ...drawing }: PassageProps): VNode[] {
  const walked = spans.some(({ entity }) => entity.doubtful);
  let from = 0;
  const byStart = [...spans].sort((a, b) => a.entity.start - b.entity.start);
  let open: Layered[] = [];
  return paragraphs.map(({ start, end }) => {
    open = open.filter(({ entity }) => entity.end > start);
    while (from < byStart.length && byStart[from]!.entity.start < end) open.push(byStart[from++]!);
    return <Paragraph key={start} {...drawing} start={start} end={end} spans={open} walked={walked} />;
  });
}

interface ParagraphProps extends Drawing, Extent {
  spans: readonly Layered[];
  /** Tab stops at the doubtful ones only. */
  walked: boolean;
}

function Paragraph(props: ParagraphProps): VNode {
  const { start, end, spans, offsets, active, walked, lanes, labels } = props;
  const drawn = spans.map(({ entity: e, lane }) =>
    [e.key, e.start, e.end, e.label, e.inside, e.settled, e.key === active, lane].join(),
  );
  return useMemo(
    () => <div dir="auto">{pieces(props)}</div>,
    [drawn.join(";"), start, end, offsets, walked, lanes, labels],
  );
}

function pieces(props: ParagraphProps): VNode[] {
  const { start, end, spans, active } = props;
  return segments(start, end, spans).flatMap((segment) => [
    <Stretch key={`s${segment.start}`} {...props} segment={segment} />,
    // The first stays with its word; others may go to the next line.
    ...segment.over
      .filter(({ entity }) => entity.end === segment.end)
      .flatMap(({ entity }, n) => [
        ...(n > 0 ? [<wbr key={`w${entity.key}`} />] : []),
        <Chip key={`c${entity.key}`} {...props} entity={entity} current={entity.key === active} />,
      ]),
  ]);
}

/** Text only: whoever maps a place in the document to an offset relies on it. */
function Stretch({ segment, offsets, labels, active, lanes, onActivate }: Drawing & { segment: Segment }): VNode {
  const text = offsets.slice(segment.start, segment.end);
  if (segment.over.length === 0) return <span data-from={segment.start}>{text}</span>;
  const layers = segment.over.map(({ entity, lane }) => line(entity, lane, labels, entity.key === active, lanes));
  const inner = segment.over[0]!.entity;
  const front = segment.over.find(({ entity }) => entity.key === active)?.entity ?? inner;
  return (
    <span
      data-from={segment.start}
      class="marked"
      style={{ background: [...layers, tint(front, labels, front.key === active)].join(", ") }}
      onClick={() => getSelection()?.isCollapsed !== false && onActivate(inner.key)}
    >
      {text}
    </span>
  );
}

function line(
  entity: Entity,
  lane: number,
  labels: readonly LabelDefinition[],
  current: boolean,
  lanes: number,
): string {
  const colour = `var(${hueOf(labels, entity.label)}-line)`;
  const thick = current || waits(entity) ? 3 : 2;
  const image = entity.inside
    ? `linear-gradient(${colour}, ${colour})`
    : `repeating-linear-gradient(90deg, ${colour} 0 5px, transparent 5px 9px)`;
  return `${image} 0 calc(100% - ${(lanes - 1 - lane) * 4}px) / 100% ${thick}px no-repeat`;
}

function tint(entity: Entity, labels: readonly LabelDefinition[], current: boolean): string {
  const hue = hueOf(labels, entity.label);
  if (current) return `color-mix(in srgb, var(${hue}-line) 28%, var(${hue}))`;
  return entity.inside && waits(entity) ? `var(${hue})` : "transparent";
}

interface ChipProps extends Drawing {
  entity: Entity;
  current: boolean;
  walked: boolean;
}

/** The label behind its span. No button element: Enter belongs to the page here. */
function Chip({ entity, current, walked, labels, offsets, onActivate }: ChipProps): VNode {
  const hue = hueOf(labels, entity.label);
  const state = waits(entity) ? "waits" : entity.settled ? "settled" : "sure";
  return (
    <span
      role="button"
      class={`span-chip span-chip-${state}${entity.inside ? "" : " span-chip-out"}${current ? " span-chip-current" : ""}`}
      data-key={entity.key}
      tabIndex={current || entity.doubtful || !walked ? 0 : -1}
      aria-pressed={entity.inside}
      aria-label={spoken(entity, offsets)}
      style={{ "--hue": `var(${hue})`, "--hue-line": `var(${hue}-line)` }}
      onFocus={() => onActivate(entity.key)}
      onClick={() => onActivate(entity.key)}
    >
      {entity.inside ? "" : entity.settled ? "✕ " : "+ "}
      {entity.label}
      {entity.settled ? (entity.inside ? " ✓" : "") : percent(entity.probability)}
      {state === "waits" ? " ?" : ""}
    </span>
  );
}

/** What a screen reader says of a span. */
export function spoken(entity: Entity, offsets: Offsets): string {
  const said = [`${offsets.slice(entity.start, entity.end)}: ${entity.label}`];
  if (entity.settled) said.push("decided");
  else {
    if (entity.probability !== null) said.push(`${Math.round(entity.probability * 100)} percent`);
    if (entity.doubtful) said.push("in doubt");
  }
  if (!entity.inside) said.push(entity.settled ? "left out" : "a candidate, not in the answer");
  return said.join(", ");
}

function percent(probability: number | null): string {
  return probability === null ? "" : ` ${Math.round(probability * 100)}%`;
}
