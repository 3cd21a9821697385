import { describe, expect, it } from "vitest";
import { Offsets } from "./codepoints";
import {
  coveringWords,
  nextEnd,
  nextStart,
  previousEnd,
  previousStart,
  wordAt,
  wordsOf,
} from "./words";

function words(text: string, language?: string): string[] {
  const offsets = new Offsets(text);
  return wordsOf(offsets, language).map(({ start, end }) => offsets.slice(start, end));
}

describe("the words of a text", () => {
  it("are words and punctuation, without white space", () => {
    expect(words("Dr. Osei's  office,\r\nLagos")).toEqual([
      "Dr", ".", "Osei's", "office", ",", "Lagos",
    ]);
  });

  it("keep an emoji sequence and accents whole", () => {
    expect(words("👩🏽‍🚀 cafe\u0301!")).toEqual(["👩🏽‍🚀", "cafe\u0301", "!"]);
  });

  it("are found from right to left as well", () => {
    expect(words("גר בתל אביב")).toEqual(["גר", "בתל", "אביב"]);
  });

  it("an unknown language is no obstacle", () => {
    expect(words("two words", "not a language")).toEqual(["two", "words"]);
  });
});

describe("moving by words", () => {
  const found = wordsOf(new Offsets("😀 Amara Osei, Lagos"));
  // 😀 0-1, Amara 2-7, Osei 8-12, "," 12-13, Lagos 14-19

  it("goes to the next and the previous border", () => {
    expect(nextEnd(found, 7)).toBe(12);
    expect(previousEnd(found, 12)).toBe(7);
    expect(nextStart(found, 2)).toBe(8);
    expect(previousStart(found, 8)).toBe(2);
  });

  it("from inside a word goes to that word's own border", () => {
    expect(nextEnd(found, 4)).toBe(7);
    expect(previousStart(found, 4)).toBe(2);
  });

  it("stays where there is nothing more", () => {
    expect(nextEnd(found, 19)).toBe(19);
    expect(previousStart(found, 0)).toBe(0);
    expect(nextEnd([], 3)).toBe(3);
  });

  it("finds the word at a place, or the one after white space", () => {
    expect(wordAt(found, 3)).toBe(1);
    expect(wordAt(found, 7)).toBe(2);
    expect(wordAt(found, 19)).toBe(4);
    expect(wordAt([], 0)).toBe(-1);
  });

  it("a sloppy selection grows to whole words", () => {
    expect(coveringWords(found, 4, 10)).toEqual({ start: 2, end: 12 });
    expect(coveringWords(found, 7, 9)).toEqual({ start: 8, end: 12 });
    expect(coveringWords(found, 13, 14)).toBeNull();
  });
});
