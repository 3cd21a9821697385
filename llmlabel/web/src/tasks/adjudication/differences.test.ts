import { describe, expect, it } from "vitest";
import type { Answer } from "../../api/types";
import { spanRows, textDifferences, tokenRows, type Said } from "./differences";

const spans = (...made: [number, number, string][]): Answer => ({
  kind: "spans",
  spans: made.map(([start, end, label]) => ({ start, end, label })),
});
const tags = (...made: string[]): Answer => ({
  kind: "tokens",
  tokens: made.map((label, n) => ({ start: n * 2, end: n * 2 + 1, label })),
});
const panel = (...answers: (Answer | null)[]): Said[] => answers.map((answer, n) => ({ by: "ABC"[n]!, answer }));

describe("spans", () => {
  it("are listed with who marked them, in the order of the text", () => {
    const rows = spanRows(panel(spans([0, 3, "X"], [5, 9, "Y"]), spans([0, 3, "X"], [5, 8, "Y"])));
    expect(rows.map((row) => [row.start, row.end, row.by.join(""), row.agreed])).toEqual([
      [0, 3, "AB", true],
      [5, 8, "B", false],
      [5, 9, "A", false],
    ]);
  });

  it("with another label are other spans", () => {
    const rows = spanRows(panel(spans([0, 3, "X"]), spans([0, 3, "Y"])));
    expect(rows.map(({ label, agreed }) => [label, agreed])).toEqual([["X", false], ["Y", false]]);
  });

  it("are agreed on among those who answered", () => {
    expect(spanRows(panel(spans([0, 3, "X"]), null, spans([0, 3, "X"])))[0]!.agreed).toBe(true);
    expect(spanRows(panel(spans(), spans([0, 3, "X"])))[0]!.agreed).toBe(false);
  });
});

describe("tokens", () => {
  it("are listed only where tags differ", () => {
    expect(tokenRows(panel(tags("A", "B", "C"), tags("A", "D", "C"), null))).toEqual([
      { start: 2, end: 3, tags: { A: "B", B: "D" } },
    ]);
    expect(tokenRows(panel(tags("A"), tags("A")))).toEqual([]);
  });
});

describe("transcripts", () => {
  const marked = (...texts: string[]): string[] =>
    textDifferences(texts).map((each) => each.map(({ text, differs }) => (differs ? `[${text}]` : text)).join(""));

  it("are marked where another has other words", () => {
    expect(marked("ice cream now", "I scream now")).toEqual(["[ice cream] now", "[I scream] now"]);
    expect(marked("we did go", "we go")).toEqual(["we [did] go", "we go"]);
    expect(marked("a b", "a b", "a c")).toEqual(["a [b]", "a [b]", "a [c]"]);
    expect(marked("same  text\n", "same  text\n")).toEqual(["same  text\n", "same  text\n"]);
    expect(marked("", "x")).toEqual(["", "[x]"]);
  });

  it("stay the same texts", () => {
    const texts = [" a  b\tc ", "b c d", "  "];
    expect(textDifferences(texts).map((each) => each.map(({ text }) => text).join(""))).toEqual(texts);
  });
});
