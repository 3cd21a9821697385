import { expect, it } from "vitest";
import { Offsets } from "../../text/codepoints";
import { wordsOf } from "../../text/words";
import { step, type Selected } from "./place";

const offsets = new Offsets("😀 Amara Osei, Lagos");
const words = wordsOf(offsets);

function press(from: number, keys: string): string[] {
  let at: Selected = { anchor: from, focus: from };
  return [...keys].map((key) => {
    at = step(words, at, key.toLowerCase() === "r", key !== key.toLowerCase());
    return offsets.slice(Math.min(at.anchor, at.focus), Math.max(at.anchor, at.focus));
  });
}

it("arrows select word after word and stay at the ends", () => {
  expect(press(0, "rrrrrr")).toEqual(["😀", "Amara", "Osei", ",", "Lagos", "Lagos"]);
  expect(press(19, "lllllll")).toEqual(["Lagos", ",", "Osei", "Amara", "😀", "😀", "😀"]);
});

it("Shift widens the selection and narrows it again", () => {
  expect(press(0, "rrRRL")).toEqual(["😀", "Amara", "Amara Osei", "Amara Osei,", "Amara Osei"]);
});

it("narrowed beyond its first word the selection grows the other way", () => {
  expect(press(0, "rrrLLR")).toEqual(["😀", "Amara", "Osei", "Amara Osei", "😀 Amara Osei", "Amara Osei"]);
});

it("an arrow after a wide selection goes on from its end", () => {
  expect(press(0, "rrRr").at(-1)).toBe(",");
});
