import { describe, expect, it } from "vitest";
import { answerOf, entitiesOf, nextWaiting, waits } from "./entities";
import { proposal, unit } from "./fixtures";

const made = proposal([
  unit(10, 14, "DATE", { probability: 0.5 }),
  unit(0, 4, "PERSON"),
  unit(5, 9, "WORK", { kept: false, probability: 0.35 }),
  unit(20, 30, "PERSON", { kept: false, probability: 0.9, note: "an address" }),
  unit(31, 33, "DATE", { kept: false, probability: 0.05 }),
]);

describe("what an item starts with", () => {
  it("is in the order of the text, an inner one first, with what was left out", () => {
    const entities = entitiesOf(made, null);
    expect(entities.map(({ start }) => start)).toEqual([0, 5, 10, 20, 31]);
    expect(entities.map(({ inside }) => inside)).toEqual([true, false, true, false, false]);
    expect(new Set(entities.map(({ key }) => key)).size).toBe(5);
  });

  it("is walked as its labels stand behind the spans", () => {
    const nested = proposal([unit(0, 30, "A"), unit(4, 10, "B"), unit(12, 30, "C")]);
    expect(entitiesOf(nested, null).map(({ label }) => label)).toEqual(["B", "C", "A"]);
  });

  it("in doubt are improbable spans and candidates that may have been missed", () => {
    const waiting = entitiesOf(made, null).filter(waits);
    expect(waiting.map(({ start }) => start)).toEqual([5, 10]);
  });

  it("a candidate that labelers disagree about is in doubt in spite of its note", () => {
    const disputed = unit(0, 4, "A", { kept: false, probability: 0.3, note: "only x found it", evidence: { agreement: 0 } });
    expect(entitiesOf(proposal([disputed]), null)[0]!.doubtful).toBe(true);
  });

  it("a span without evidence of its own is not in doubt", () => {
    const [only] = entitiesOf(proposal([], [{ start: 1, end: 2, label: "A" }]), null);
    expect(only).toMatchObject({ inside: true, doubtful: false, probability: null });
  });

  it("two labels of one stretch have each its own evidence", () => {
    const both = proposal([unit(0, 4, "A", { probability: 0.5 }), unit(0, 4, "B", { probability: 0.9 })]);
    expect(entitiesOf(both, null).map(({ label, probability }) => [label, probability])).toEqual([
      ["A", 0.5],
      ["B", 0.9],
    ]);
  });

  it("of a blind item is nothing", () => {
    expect(entitiesOf(null, null)).toEqual([]);
  });

  it("a draft that says the same leaves the doubts", () => {
    expect(entitiesOf(made, made.answer)).toEqual(entitiesOf(made, null));
  });

  it("what a draft changes is decided, the rest is as much in doubt as before", () => {
    const draft = { kind: "spans", spans: [{ start: 10, end: 14, label: "DATE" }, { start: 0, end: 4, label: "WORK" }] } as const;
    const entities = entitiesOf(made, { ...draft, spans: [...draft.spans] });
    expect(entities.filter(waits).map(({ start }) => start)).toEqual([5, 10]);
    expect(entities.filter(({ settled }) => settled).map(({ label }) => label)).toEqual(["WORK"]);
    expect(entities).toHaveLength(5);
    const answer = answerOf(entities, made);
    expect(answer).toEqual({ kind: "spans", spans: [...draft.spans].reverse() });
  });
});

it("what a draft leaves out or adds is there and decided", () => {
  const entities = entitiesOf(made, { kind: "spans", spans: [{ start: 0, end: 3, label: "PERSON" }, { start: 5, end: 9, label: "WORK" }] });
  const decided = entities.filter(({ settled }) => settled);
  expect(decided.map(({ start, end, inside }) => [start, end, inside])).toEqual([
    [0, 3, true], [0, 4, false], [5, 9, true], [10, 14, false],
  ]);
  expect(entities.filter(waits)).toEqual([]);
});

describe("the answer", () => {
  it("is the proposed one itself while nothing was changed", () => {
    expect(answerOf(entitiesOf(made, null), made)).toBe(made.answer);
  });

  it("is sorted by start and end and says nothing twice", () => {
    const twice = entitiesOf(null, {
      kind: "spans",
      spans: [{ start: 3, end: 9, label: "A" }, { start: 3, end: 5, label: "A" }, { start: 0, end: 2, label: "B" }],
    });
    const answer = answerOf([...twice, twice[0]!], null);
    expect(answer).toEqual({
      kind: "spans",
      spans: [{ start: 0, end: 2, label: "B" }, { start: 3, end: 5, label: "A" }, { start: 3, end: 9, label: "A" }],
    });
  });
});

it("the next that waits is looked for from the front again", () => {
  const entities = entitiesOf(made, null);
  const first = nextWaiting(entities, null)!;
  const second = nextWaiting(entities, first.key)!;
  expect([first.start, second.start]).toEqual([5, 10]);
  expect(nextWaiting(entities, second.key)).toBe(first);
  expect(nextWaiting(entities.filter((each) => !waits(each)), null)).toBeNull();
});
