import { describe, expect, it } from "vitest";
import { Offsets } from "./codepoints";

const FAMILY = "👨‍👩‍👧‍👦";
const FLAG = "🇳🇬";
const ACCENT = "e\u0301\u0323";
const TEXTS = {
  ascii: "Lagos, 4 May",
  astral: "a😀b😀😀c",
  family: `x${FAMILY}y${FLAG}z`,
  accents: `caf${ACCENT} na${ACCENT}f`,
  rtl: "שלום 😀 عالم",
  crlf: "one\r\ntwo\r\n",
  devanagari: "क्षत्रिय",
  empty: "",
};

describe.each(Object.entries(TEXTS))("in the text %s", (_, text) => {
  const offsets = new Offsets(text);
  const points = Array.from(text);

  it("the length is that of the code points", () => {
    expect(offsets.length).toBe(points.length);
  });

  it("a slice holds exactly its code points", () => {
    for (let start = 0; start <= points.length; start++) {
      for (let end = start; end <= points.length; end++) {
        expect(offsets.slice(start, end)).toBe(points.slice(start, end).join(""));
      }
    }
  });

  it("there and back gives the same code point", () => {
    for (let at = 0; at <= points.length; at++) {
      expect(offsets.codePoint(offsets.utf16(at))).toBe(at);
    }
  });

  it("borders of graphemes are fixed points and never cut one", () => {
    const borders = new Set<number>([0]);
    for (const each of new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)) {
      borders.add(offsets.codePoint(each.index + each.segment.length));
    }
    for (let at = 0; at <= points.length; at++) {
      const start = offsets.graphemeStart(at);
      const end = offsets.graphemeEnd(at);
      expect(borders).toContain(start);
      expect(borders).toContain(end);
      expect(start).toBeLessThanOrEqual(at);
      expect(end).toBeGreaterThanOrEqual(at);
      if (borders.has(at)) expect([start, end]).toEqual([at, at]);
    }
  });
});

describe("Offsets", () => {
  it("the middle of a surrogate pair belongs to its code point", () => {
    expect(new Offsets("a😀b").codePoint(2)).toBe(1);
  });

  it("an offset outside the text is its nearest end", () => {
    const offsets = new Offsets("a😀");
    expect([offsets.utf16(-1), offsets.utf16(9)]).toEqual([0, 3]);
    expect([offsets.codePoint(-1), offsets.codePoint(9)]).toEqual([0, 2]);
  });

  it("a family of emoji is one grapheme of seven code points", () => {
    const offsets = new Offsets(`x${FAMILY}y`);
    expect(offsets.nextGrapheme(1)).toBe(8);
    expect(offsets.previousGrapheme(8)).toBe(1);
    expect([offsets.graphemeStart(4), offsets.graphemeEnd(4)]).toEqual([1, 8]);
  });

  it("an accent stays with its letter", () => {
    const offsets = new Offsets(`${ACCENT}a`);
    expect(offsets.nextGrapheme(0)).toBe(3);
    expect(offsets.graphemeStart(2)).toBe(0);
  });

  it("CR LF is one grapheme of two code points", () => {
    const offsets = new Offsets("a\r\nb");
    expect(offsets.length).toBe(4);
    expect(offsets.nextGrapheme(1)).toBe(3);
  });

  it("a lone surrogate counts as one", () => {
    const offsets = new Offsets("\ud83dx\ude00");
    expect(offsets.length).toBe(3);
    expect(offsets.utf16(2)).toBe(2);
  });
});
