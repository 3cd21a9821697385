// How overlapping spans are drawn: every span has a lane under the text, shorter ones nearer to it.

import type { Entity } from "./entities";

export interface Layered {
  readonly entity: Entity;
  /** 0 is nearest to the text. */
  readonly lane: number;
}

/** A stretch of text under the same spans. Code points, `end` exclusive. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  /** By lane. */
  readonly over: readonly Layered[];
}

/** Every entity with a lane in which nothing else overlaps it, in the order given. */
export function layered(entities: readonly Entity[]): Layered[] {
  const lanes = new Map<Entity, number>();
  let cluster: Entity[] = [];
  let reach = -1;
  for (const each of [...entities].sort((a, b) => a.start - b.start)) {
    if (each.start >= reach) {
      assign(cluster, lanes);
      cluster = [];
    }
    cluster.push(each);
    reach = Math.max(reach, each.end);
  }
  assign(cluster, lanes);
  return entities.map((entity) => ({ entity, lane: lanes.get(entity)! }));
}

function assign(cluster: readonly Entity[], lanes: Map<Entity, number>): void {
  const done: Entity[] = [];
  const shortest = [...cluster].sort((a, b) => a.end - a.start - (b.end - b.start) || a.key - b.key);
  for (const each of shortest) {
    const taken = new Set<number>();
    for (const other of done) {
      if (other.start < each.end && other.end > each.start) taken.add(lanes.get(other)!);
    }
    let lane = 0;
    while (taken.has(lane)) lane++;
    lanes.set(each, lane);
    done.push(each);
  }
}

/** The stretch from `start` to `end` cut at every border of the spans over it. */
export function segments(start: number, end: number, spans: readonly Layered[]): Segment[] {
  const borders = new Set([start, end]);
  for (const { entity } of spans) {
    for (const border of [entity.start, entity.end]) {
      if (border > start && border < end) borders.add(border);
    }
  }
  const places = [...borders].sort((a, b) => a - b);
  const byStart = [...spans].sort((a, b) => a.entity.start - b.entity.start);
  const made: Segment[] = [];
  let next = 0;
  let open: Layered[] = [];
  for (let n = 0; n + 1 < places.length; n++) {
    const at = places[n]!;
    while (next < byStart.length && byStart[next]!.entity.start <= at) open.push(byStart[next++]!);
    open = open.filter(({ entity }) => entity.end > at);
    made.push({ start: at, end: places[n + 1]!, over: [...open].sort((a, b) => a.lane - b.lane) });
  }
  return made;
}
