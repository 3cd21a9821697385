import { describe, expect, it } from "vitest";
import { hueOf, keysFor, matching } from "./keys";

const labels = (...names: string[]) => names.map((name) => ({ name, definition: `what ${name} is` }));

describe("the keys of labels", () => {
  it("are digits, then letters that the page does not need", () => {
    const keys = keysFor(labels(...Array.from({ length: 40 }, (_, n) => `L${n}`)));
    expect(keys.slice(0, 11)).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b"]);
    for (const taken of "zsrgfc") expect(keys).not.toContain(taken);
    const given = keys.filter((key) => key !== null);
    expect(new Set(given).size).toBe(given.length);
    expect(keys.at(-1)).toBeNull();
  });

  it("every label has a colour, an unknown one too", () => {
    const all = labels("A", "B");
    expect(hueOf(all, "B")).toBe("--label-2");
    expect(hueOf(all, "?")).toMatch(/^--label-[1-8]$/);
  });
});

describe("finding a label by typing", () => {
  const all = labels("NOUN", "PROPN", "PRON", "card_arrival", "NUM");

  it("names that begin so stand first", () => {
    expect(matching(all, "pro").map(({ name }) => name)).toEqual(["PROPN", "PRON"]);
    expect(matching(all, "arr").map(({ name }) => name)).toEqual(["card_arrival"]);
    expect(matching(all, "n")[0]!.name).toBe("NOUN");
  });

  it("without a word the alternative stands first and all are there", () => {
    const found = matching(all, " ", ["PRON", null, "gone"]);
    expect(found[0]!.name).toBe("PRON");
    expect(found).toHaveLength(all.length);
  });

  it("definitions are searched last", () => {
    expect(matching(all, "what num").map(({ name }) => name)).toEqual(["NUM"]);
    expect(matching(all, "zzz")).toEqual([]);
  });
});
