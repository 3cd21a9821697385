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
