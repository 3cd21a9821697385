import { describe, expect, it } from "vitest";
import { added } from "./entities";
import { layered, segments } from "./layers";

const spans = (...places: [number, number][]) =>
  places.map(([start, end], key) => added({ start, end, label: "A" }, key));

/** Numbers that look random and are the same each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let x = seed; ; ) yield (x = (x * 48271) % 2147483647) / 2147483647;
}

describe("lanes", () => {
  it("apart from each other spans lie in the first", () => {
    expect(layered(spans([0, 4], [4, 9], [20, 22])).map(({ lane }) => lane)).toEqual([0, 0, 0]);
  });

  it("a span inside another is nearer to the text", () => {
    expect(layered(spans([0, 20], [5, 9], [7, 8])).map(({ lane }) => lane)).toEqual([2, 1, 0]);
  });

  it("no two spans that overlap share a lane", () => {
    const random = numbers(7);
    for (let round = 0; round < 40; round++) {
      const places = Array.from({ length: 25 }, (): [number, number] => {
        const start = Math.floor(random.next().value * 60);
        return [start, start + 1 + Math.floor(random.next().value * 15)];
      });
      const drawn = layered(spans(...places));
      expect(drawn).toHaveLength(places.length);
      for (const a of drawn) {
        for (const b of drawn) {
          const overlap = a.entity.start < b.entity.end && b.entity.start < a.entity.end;
          if (a !== b && overlap) expect(a.lane).not.toBe(b.lane);
        }
      }
    }
  });
});

describe("segments", () => {
  it("cover the stretch without gaps, each under exactly its spans", () => {
    const random = numbers(11);
    for (let round = 0; round < 40; round++) {
      const places = Array.from({ length: 12 }, (): [number, number] => {
        const start = Math.floor(random.next().value * 50);
        return [start, start + 1 + Math.floor(random.next().value * 20)];
      });
      const drawn = layered(spans(...places));
      const made = segments(10, 40, drawn.filter(({ entity }) => entity.end > 10 && entity.start < 40));
      expect(made[0]!.start).toBe(10);
      expect(made.at(-1)!.end).toBe(40);
      made.forEach((segment, n) => {
        if (n > 0) expect(segment.start).toBe(made[n - 1]!.end);
        const over = drawn.filter(({ entity }) => entity.start <= segment.start && entity.end >= segment.end);
        expect(new Set(segment.over)).toEqual(new Set(over));
      });
    }
  });

  it("without spans there is one", () => {
    expect(segments(3, 9, [])).toEqual([{ start: 3, end: 9, over: [] }]);
  });
});
