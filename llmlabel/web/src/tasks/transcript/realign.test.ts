import { describe, expect, it } from "vitest";
import type { Word } from "../../api/types";
import { matched } from "./alignment";
import { realign, replaced } from "./realign";

/** Every chunk without white space is a word of one second. */
function wordsOf(text: string): Word[] {
  const all = [...text];
  const words: Word[] = [];
  for (let at = 0; at < all.length; at++) {
    if (/\s/u.test(all[at]!)) continue;
    let end = at;
    while (end < all.length && !/\s/u.test(all[end]!)) end++;
    const n = words.length;
    words.push({ start: at, end, begin_seconds: n, end_seconds: n + 1, probability: 0.4 });
    at = end;
  }
  return words;
}

function said(before: string, after: string, words = wordsOf(before)): string[] {
  const all = [...after];
  return realign(before, words, after, words.length).map(
    (word) =>
      `${all.slice(word.start, word.end).join("")}@${+word.begin_seconds.toFixed(2)}-` +
      `${+word.end_seconds.toFixed(2)}${word.written ? "!" : ""}`,
  );
}

describe("the words of an edited transcript", () => {
  it("are the same where nothing was edited", () => {
    expect(said("I am, here.", "I am, here.")).toEqual(["I@0-1", "am,@1-2", "here.@2-3"]);
  });

  it("take the time of what they replace", () => {
    expect(said("I scream for cream", "ice cream for cream")).toEqual([
      "ice@0-1!",
      "cream@1-2!",
      "for@2-3",
      "cream@3-4",
    ]);
  });

  it("share the time of one word that became two, by their length", () => {
    expect(said("go icecream now", "go ice creams now")).toEqual([
      "go@0-1",
      "ice@1-1.33!",
      "creams@1.33-2!",
      "now@2-3",
    ]);
  });

  it("take all the time of two words that became one", () => {
    expect(said("go ice cream now", "go icecream now")).toEqual(["go@0-1", "icecream@1-3!", "now@3-4"]);
  });

  it("stand between their neighbours when they were put in", () => {
    const words = wordsOf("go now");
    words[1]!.begin_seconds = 2;
    words[1]!.end_seconds = 3;
    expect(said("go now", "go right now", words)).toEqual(["go@0-1", "right@1-2!", "now@2-3"]);
    expect(said("", "hello")).toEqual(["hello@0-0!"]);
  });

  it("leave no trace when they are taken out", () => {
    expect(said("well well I went", "well I went")).toHaveLength(3);
    expect(said("um no", "no")).toEqual(["no@1-2"]);
    expect(said("um no", "")).toEqual([]);
  });

  it("keep their doubt when only a mark beside them changes", () => {
    expect(said("yes he said no", "“Yes”, he said: no.")).toEqual([
      "“Yes”,@0-1!",
      "he@1-2",
      "said:@2-3",
      "no.@3-4",
    ]);
    expect(said("I don't know.", "I don’t know")).toEqual(["I@0-1", "don’t@1-2", "know@2-3"]);
  });

  it("are found again in scripts without spaces", () => {
    const before = "今日は雨です";
    const words = [
      { start: 0, end: 2, begin_seconds: 0, end_seconds: 1, probability: 0.9 },
      { start: 2, end: 3, begin_seconds: 1, end_seconds: 2, probability: 0.9 },
      { start: 3, end: 4, begin_seconds: 2, end_seconds: 3, probability: 0.2 },
      { start: 4, end: 6, begin_seconds: 3, end_seconds: 4, probability: 0.9 },
    ];
    expect(said(before, "今日は飴です。", words)).toEqual(["今日@0-1", "は@1-2", "飴@2-3!", "です。@3-4"]);
  });

  it("count code points", () => {
    expect(said("👍🏽 so gud 🎉 yes", "👍🏽 so good 🎉 yes")).toEqual([
      "👍🏽@0-1",
      "so@1-2",
      "good@2-3!",
      "🎉@3-4",
      "yes@4-5",
    ]);
  });

  it("cover every letter exactly once, in order, whatever is written", () => {
    const texts = ["a b c d e", "a c e", "x a, b. e f", "b b b", "", "e d c b a", "a-b c’d (e)", "ab cde", "…"];
    for (const before of texts)
      for (const after of texts) {
        const words = realign(before, wordsOf(before), after, 9);
        let end = 0;
        let time = 0;
        let covered = "";
        for (const word of words) {
          expect(word.start).toBeGreaterThanOrEqual(end);
          expect(word.end).toBeGreaterThan(word.start);
          expect(word.begin_seconds).toBeGreaterThanOrEqual(time);
          expect(word.end_seconds).toBeGreaterThanOrEqual(word.begin_seconds);
          covered += after.slice(word.start, word.end);
          end = word.end;
          time = word.begin_seconds;
        }
        expect(covered).toBe(after.replace(/\s/gu, ""));
      }
  });

  it("of two hours are realigned while a key is held", () => {
    const before = Array.from({ length: 18_000 }, (_, n) => `word${n % 997}`).join(" ");
    const after = before.replaceAll("word5 ", "five ").replace("word900", "nine hundred");
    const words = realign(before, wordsOf(before), after, 18_000);
    expect(words.filter((word) => word.written)).toHaveLength(19 + 2);
  });
});

describe("replacing a word", () => {
  it("changes nothing else", () => {
    expect(replaced("a  b\nc", { start: 3, end: 4 }, " bee ")).toBe("a  bee\nc");
  });
  it("with nothing takes one gap away", () => {
    expect(replaced("a b c", { start: 2, end: 3 }, "")).toBe("a c");
    expect(replaced("a b c", { start: 0, end: 1 }, " ")).toBe("b c");
    expect(replaced("a b c", { start: 4, end: 5 }, "")).toBe("a b");
  });
});

describe("the longest run of equals", () => {
  /** The length of the longest common subsequence, by the textbook table. */
  function longest(a: string, b: string): number {
    const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
    for (let i = 1; i <= a.length; i++)
      for (let j = 1; j <= b.length; j++)
        table[i]![j] =
          a[i - 1] === b[j - 1] ? table[i - 1]![j - 1]! + 1 : Math.max(table[i - 1]![j]!, table[i]![j - 1]!);
    return table[a.length]![b.length]!;
  }

  it("is as long as any, ascending, and of equals", () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
    for (let n = 0; n < 500; n++) {
      const made = (): string => Array.from({ length: random(12) }, () => "abc"[random(3)]).join("");
      const [a, b] = [made(), made()];
      const match = [...matched([...a], [...b])];
      const found = match.filter((each) => each >= 0);
      expect(found).toEqual([...found].sort((x, y) => x - y));
      expect(new Set(found).size).toBe(found.length);
      match.forEach((to, from) => to < 0 || expect(b[to]).toBe(a[from]));
      expect(found.length, `${a} ${b}`).toBe(longest(a, b));
    }
  });
});
