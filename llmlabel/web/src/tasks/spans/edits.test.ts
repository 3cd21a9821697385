import { describe, expect, it } from "vitest";
import * as edits from "./edits";
import { answerOf, entitiesOf } from "./entities";
import { proposal, unit } from "./fixtures";

const made = proposal([
  unit(0, 4, "PERSON", { probability: 0.4, alternative: "WORK" }),
  unit(5, 9, "WORK", { kept: false, probability: 0.35 }),
  unit(10, 14, "DATE"),
]);

const start = () => edits.begin(entitiesOf(made, null));
const spans = (state: edits.State) => {
  const answer = answerOf(state.entities, null);
  return answer.kind === "spans" ? answer.spans.map((s) => `${s.start}-${s.end} ${s.label}`) : [];
};

describe("editing spans", () => {
  it("begins at the first in doubt", () => {
    expect(edits.activeOf(start().now)).toMatchObject({ start: 0 });
  });

  it("accepting all the way through leaves the proposal as it is", () => {
    let state = start().now;
    state = edits.accept(state);
    expect(edits.activeOf(state)).toMatchObject({ start: 5 });
    expect(edits.waiting(state)).toBe(1);
    state = edits.accept(state);
    expect(edits.waiting(state)).toBe(0);
    expect(answerOf(state.entities, made)).toBe(made.answer);
  });

  it("accepting goes past what is decided already", () => {
    const state = edits.relabel(start().now, "WORK");
    const next = edits.accept(state);
    expect(next.entities).toBe(state.entities);
    expect(edits.activeOf(next)).toMatchObject({ start: 5 });
  });

  it("a label puts a candidate into the answer and decides it", () => {
    const state = edits.relabel(edits.accept(start().now), "EVENT");
    expect(spans(state)).toContain("5-9 EVENT");
    expect(edits.waiting(state)).toBe(0);
  });

  it("a candidate goes in and out again", () => {
    const at = edits.accept(start().now);
    const inside = edits.toggle(at);
    expect(spans(inside)).toContain("5-9 WORK");
    expect(spans(edits.toggle(inside))).not.toContain("5-9 WORK");
  });

  it("what was proposed stays to be seen when it is taken out", () => {
    const state = edits.remove(start().now);
    expect(spans(state)).toEqual(["10-14 DATE"]);
    expect(edits.activeOf(state)).toMatchObject({ start: 0, inside: false, settled: true });
  });

  it("what the reviewer added is gone when it is taken out", () => {
    const before = start().now;
    const more = edits.add(before, { start: 20, end: 25, label: "DATE" });
    expect(edits.activeOf(more)).toMatchObject({ start: 20 });
    const state = edits.remove(more);
    expect(state.entities).toHaveLength(before.entities.length);
    expect(edits.activeOf(state)).not.toBeNull();
  });

  it("adding what is there already goes to it", () => {
    const before = start().now;
    const state = edits.add(before, { start: 5, end: 9, label: "WORK" });
    expect(state.entities).toHaveLength(before.entities.length);
    expect(edits.activeOf(state)).toMatchObject({ start: 5, inside: true });
  });

  it("a span may lie inside another and is added as one more", () => {
    expect(spans(edits.add(start().now, { start: 11, end: 13, label: "PERSON" }))).toEqual([
      "0-4 PERSON", "10-14 DATE", "11-13 PERSON",
    ]);
  });

  it("borders move, but never until nothing is left", () => {
    const before = start().now;
    expect(spans(edits.reborder(before, 0, 9))[0]).toBe("0-9 PERSON");
    expect(edits.reborder(before, 4, 4)).toBe(before);
  });

  it("a candidate is gone when another span comes to say the same", () => {
    const state = edits.relabel(edits.reborder(start().now, 5, 9), "WORK");
    expect(spans(state)).toEqual(["5-9 WORK", "10-14 DATE"]);
    expect(state.entities).toHaveLength(2);
    expect(edits.waiting(state)).toBe(0);
  });

  it("walking goes over all, around both ends", () => {
    let state = start().now;
    const seen = [0, 1, 2, 3].map(() => (state = edits.walk(state, 1), edits.activeOf(state)!.start));
    expect(seen).toEqual([5, 10, 0, 5]);
    expect(edits.activeOf(edits.walk(edits.activate(state, null), -1))!.start).toBe(10);
  });

  it("the innermost span over a place comes first", () => {
    const state = edits.add(start().now, { start: 11, end: 13, label: "PERSON" });
    expect(edits.over(state, 11, 12).map((each) => each.start)).toEqual([11, 10]);
  });
});

describe("undo", () => {
  it("goes back edit by edit, past mere moves, and forward again", () => {
    let history = start();
    const step = (made: (state: edits.State) => edits.State) =>
      (history = edits.advance(history, made(history.now)));
    step((state) => edits.relabel(state, "WORK"));
    step((state) => edits.walk(state, 1));
    step((state) => edits.toggle(state));
    expect(spans(history.now)).toEqual(["0-4 WORK", "5-9 WORK", "10-14 DATE"]);
    history = edits.undo(history);
    expect(spans(history.now)).toEqual(["0-4 WORK", "10-14 DATE"]);
    expect(edits.activeOf(history.now)!.start).toBe(5);
    history = edits.undo(history);
    expect(spans(history.now)).toEqual(["0-4 PERSON", "10-14 DATE"]);
    history = edits.redo(edits.redo(history));
    expect(spans(history.now)).toEqual(["0-4 WORK", "5-9 WORK", "10-14 DATE"]);
  });

  it("has nothing to do where nothing was done", () => {
    const history = start();
    expect(edits.undo(history)).toBe(history);
    expect(edits.redo(history)).toBe(history);
  });

  it("a new edit ends what could be redone", () => {
    const history = edits.advance(start(), edits.relabel(start().now, "WORK"));
    const other = edits.advance(edits.undo(history), edits.remove(edits.undo(history).now));
    expect(edits.redo(other)).toBe(other);
  });
});
