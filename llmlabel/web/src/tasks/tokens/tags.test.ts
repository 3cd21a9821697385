import { describe, expect, it } from "vitest";
import type { Review, Unit } from "../../api/types";
import { Offsets } from "../../text/codepoints";
import * as tags from "./tags";

const TEXT = "They can\nfish 🐟";
const PLACES = [[0, 4], [5, 8], [9, 13], [14, 15]] as const;

function item(probabilities: (number | null)[] | null): Review {
  const units = (probabilities ?? []).map((probability, n) => ({
    start: PLACES[n]![0], end: PLACES[n]![1], label: "NOUN", probability, alternative: "VERB",
    evidence: { "label:VERB": 0.3, "label:NOUN": 0.6, tag: 0.6 }, kept: true, by: [], note: null,
    begin_seconds: null, end_seconds: null,
  } satisfies Unit));
  const tokens = units.map(({ start, end, label }) => ({ start, end, label }));
  return {
    proposal: probabilities && { answer: { kind: "tokens", tokens }, confidence: null, reason: "", units },
    tokens: probabilities ? null : PLACES.map(([start, end]) => ({ start, end })),
  } as Review;
}

const labels = (state: tags.State) => state.tokens.map(({ label }) => label);

describe("tokens with proposed tags", () => {
  const made = item([0.99, 0.5, null, 0.4]);
  const proposed = made.proposal!.answer;
  const start = tags.begin(tags.tokensOf(made, null));

  it("wait only where the tag is improbable or has no probability", () => {
    expect(start.now.tokens.map(tags.waits)).toEqual([false, true, true, true]);
    expect(start.now.active).toBe(1);
  });

  it("accepted all the way through they are the proposed answer itself", () => {
    let state = start.now;
    const walked = [state.active];
    while (tags.waiting(state) > 0) walked.push((state = tags.accept(state)).active);
    expect(walked).toEqual([1, 2, 3, 3]);
    expect(tags.answerOf(state.tokens, proposed)).toBe(proposed);
  });

  it("a tag given to one that waits goes on to the next that waits", () => {
    const state = tags.tag(start.now, "VERB");
    expect(labels(state)).toEqual(["NOUN", "VERB", "NOUN", "NOUN"]);
    expect(state.active).toBe(2);
  });

  it("a tag given to one that does not wait stays there", () => {
    const state = tags.tag(tags.goTo(start.now, 0), "X");
    expect(labels(state)[0]).toBe("X");
    expect(state.active).toBe(0);
  });

  it("after the last the first that waits follows", () => {
    expect(tags.accept(tags.goTo(start.now, 3)).active).toBe(1);
  });

  it("the likeliest tags are known, best first", () => {
    expect(start.now.tokens[1]!.likely).toEqual([["NOUN", 0.6], ["VERB", 0.3]]);
  });

  it("what a draft changes is decided, the rest is as much in doubt as before", () => {
    const changed = tags.answerOf(tags.tag(start.now, "VERB").tokens, proposed)!;
    const again = tags.tokensOf(made, changed);
    expect(again.map(tags.waits)).toEqual([false, false, true, true]);
    expect(tags.answerOf(again, proposed)).toEqual(changed);
    expect(tags.tokensOf(made, proposed).filter(tags.waits)).toHaveLength(3);
  });

  it("undo goes back to the token that was changed", () => {
    let history = tags.advance(start, tags.tag(start.now, "VERB"));
    history = tags.advance(history, tags.goTo(history.now, 0));
    history = tags.undo(history);
    expect([labels(history.now)[1], history.now.active]).toEqual(["NOUN", 1]);
    history = tags.redo(history);
    expect(labels(history.now)[1]).toBe("VERB");
    expect(tags.undo(start)).toBe(start);
  });

  it("places outside the text are its ends", () => {
    expect(tags.goTo(start.now, -5).active).toBe(0);
    expect(tags.goTo(start.now, Infinity).active).toBe(3);
  });
});

describe("tokens of a blind item", () => {
  const made = item(null);
  const start = tags.begin(tags.tokensOf(made, null));

  it("all wait, and there is no answer until each has a tag", () => {
    let state = start.now;
    for (const left of [4, 3, 2, 1]) {
      expect(tags.waiting(state)).toBe(left);
      expect(tags.answerOf(state.tokens, null)).toBeNull();
      state = tags.tag(state, "NOUN");
    }
    expect(tags.answerOf(state.tokens, null)).toEqual({
      kind: "tokens",
      tokens: PLACES.map(([from, end]) => ({ start: from, end, label: "NOUN" })),
    });
  });

  it("accepting one without a tag decides nothing", () => {
    const state = tags.accept(start.now);
    expect(state.tokens).toBe(start.now.tokens);
    expect(state.active).toBe(1);
  });
});

it("without tokens nothing can be done and the answer is empty", () => {
  const none = tags.begin([]);
  expect(tags.tag(none.now, "X")).toBe(none.now);
  expect(tags.accept(none.now)).toBe(none.now);
  expect(tags.answerOf([], null)).toEqual({ kind: "tokens", tokens: [] });
});

it("a line break of the text starts a new row", () => {
  const tokens = tags.tokensOf(item(null), null);
  expect(tags.rowsOf(tokens, new Offsets(TEXT))).toEqual([{ from: 0, to: 2 }, { from: 2, to: 4 }]);
  expect(tags.rowsOf([], new Offsets(""))).toEqual([]);
});

it("a long row is cut after a sentence, and no token is lost", () => {
  const text = "We went there . ".repeat(100) + "on ".repeat(300);
  const tokens = [...text.matchAll(/\S+/g)].map((word) => ({ start: word.index, end: word.index + word[0].length }));
  const rows = tags.rowsOf(tags.tokensOf({ tokens, proposal: null } as unknown as Review, null), new Offsets(text));
  expect(rows[0]).toEqual({ from: 0, to: 120 });
  expect(rows.every(({ from, to }) => to > from && to - from <= 120)).toBe(true);
  rows.forEach(({ from }, n) => expect(from).toBe(n === 0 ? 0 : rows[n - 1]!.to));
  expect(rows.at(-1)!.to).toBe(700);
  expect(rows.filter(({ to }) => to <= 400).every(({ to }) => to % 4 === 0)).toBe(true);
});
