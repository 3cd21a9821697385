import { describe, expect, it } from "vitest";
import { excerpt, NONE, pairsOf, totals } from "./confusions";

const three = {
  labels: ["a", "b", NONE],
  counts: [
    [8, 2, 0],
    [1, 4, 0],
    [0, 0, 0],
  ],
};

/** 150 labels in a row, each taken for the next one `i` times. */
const many = {
  labels: [...Array.from({ length: 150 }, (_, i) => `l${i}`), NONE],
  counts: Array.from({ length: 151 }, (_, i) =>
    Array.from({ length: 151 }, (_, j) => (i > 20 || j > 20 ? 0 : i === j ? 10 : j === i + 1 ? i : 0)),
  ),
};

describe("pairs", () => {
  it("come worst first, with their share of the verified label", () => {
    expect(pairsOf(three)).toEqual([
      { verified: "a", proposed: "b", n: 2, share: 0.2 },
      { verified: "b", proposed: "a", n: 1, share: 0.2 },
    ]);
  });

  it("do not count what is right", () => {
    const { n, right } = totals(many);
    expect(pairsOf(many).reduce((sum, each) => sum + each.n, 0)).toBe(n - right);
  });
});

describe("an excerpt", () => {
  it("of few labels is all of them, without none where none is", () => {
    expect(excerpt(three, 12)).toEqual({ labels: ["a", "b"], counts: [[8, 2], [1, 4]], folded: 0 });
  });

  it("keeps labels that never came up where they are few", () => {
    expect(excerpt({ labels: ["a", "b", NONE], counts: [[1, 0, 0], [0, 0, 0], [0, 0, 0]] }, 12).labels).toEqual(["a", "b"]);
  });

  it("of many keeps the most confused and counts the others together", () => {
    const found = excerpt(many, 5);
    expect(found.labels).toEqual(["l15", "l16", "l17", "l18", "l19", "16 others"]);
    expect(found.counts.every((row) => row.length === 6)).toBe(true);
    expect(totals(found).n).toBe(totals(many).n);
  });
});
