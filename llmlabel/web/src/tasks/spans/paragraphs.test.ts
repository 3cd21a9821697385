import { expect, it } from "vitest";
import { Offsets } from "../../text/codepoints";
import { paragraphAt, paragraphsOf } from "./paragraphs";

it.each([
  ["one\r\ntwo\n\n😀three", ["one\r\n", "two\n", "\n", "😀three"]],
  ["\n", ["\n"]],
  ["a\rb\u2028c", ["a\r", "b\u2028", "c"]],
  ["no break", ["no break"]],
  ["", [""]],
])("%j is cut after its line breaks and loses nothing", (text, expected) => {
  const offsets = new Offsets(text);
  const made = paragraphsOf(offsets);
  expect(made.map(({ start, end }) => offsets.slice(start, end))).toEqual(expected);
  expect(made.at(-1)!.end).toBe(offsets.length);
  made.forEach(({ start, end }, n) => {
    for (let at = start; at < end; at++) expect(paragraphAt(made, at)).toBe(n);
  });
});

it("a long line is cut behind a space, after a sentence if it can be, and loses nothing", () => {
  const text = `${"They met in Lagos 😀. ".repeat(300)}${"and ".repeat(1500)}${"x".repeat(4000)}`;
  const offsets = new Offsets(text);
  const made = paragraphsOf(offsets).map(({ start, end }) => offsets.slice(start, end));
  expect(made.join("")).toBe(text);
  expect(made[0]).toMatch(/\. $/);
  expect(made.slice(0, -1).every((piece) => piece.endsWith(" ") && piece.length <= 3000)).toBe(true);
  expect(made.at(-1)).toMatch(/^x+$/);
});
