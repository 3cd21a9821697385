import { describe, expect, it } from "vitest";
import { doubtIn } from "./doubt";
import { unit } from "./spans/fixtures";

const units = (...probabilities: (number | null)[]) =>
  probabilities.map((probability, n) => unit(n, n + 1, "X", { probability }));

describe("what has to be looked at", () => {
  it("are the units that are not sure enough, whatever the item waits for", () => {
    const all = units(0.95, 0.79, null, 0.8);
    for (const kind of ["doubt", "relabel", null] as const)
      expect(all.map(doubtIn(all, kind))).toEqual([false, true, true, false]);
  });

  it("is the least sure one where the item is in doubt and no unit is", () => {
    const all = units(0.95, 0.84, 0.99);
    expect(all.map(doubtIn(all, "doubt"))).toEqual([false, true, false]);
  });

  it("is nothing where the item waits for another reason and all are sure", () => {
    const all = units(0.95, 0.84);
    expect(all.some(doubtIn(all, "forced"))).toBe(false);
    expect(all.some(doubtIn(all, null))).toBe(false);
  });

  it("is nothing where there is nothing, or no doubt at all", () => {
    expect(doubtIn([], "doubt")(undefined)).toBe(false);
    const all = units(1, 1);
    expect(all.some(doubtIn(all, "doubt"))).toBe(false);
  });

  it("is not a sure one because of a candidate that was left out", () => {
    const all = [...units(0.9, 0.99), unit(5, 6, "X", { probability: 0.3, kept: false })];
    expect(doubtIn(all, "doubt")(all[0])).toBe(true);
    expect(doubtIn(all, "doubt")(all[1])).toBe(false);
  });
});
