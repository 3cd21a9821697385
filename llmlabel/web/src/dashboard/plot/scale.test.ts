import { describe, expect, it } from "vitest";
import { ceiling, linear, path, ticks } from "./scale";

describe("linear", () => {
  it("maps ends to ends and the middle to the middle", () => {
    const at = linear([0, 0.2], [100, 0]);
    expect([at(0), at(0.1), at(0.2)]).toEqual([100, 50, 0]);
  });

  it("puts what is all the same into the middle", () => {
    expect(linear([3, 3], [0, 10])(3)).toBe(5);
  });
});

describe("ticks", () => {
  it.each([
    [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0, 0.3, 3, [0, 0.1, 0.2, 0.3]],
    [-0.4, 1, 5, [0, 0.5, 1]],
    [0, 37, 4, [0, 10, 20, 30]],
    [5, 5, 4, [5]],
  ])("from %f to %f, about %i", (low, high, count, wanted) => {
    expect(ticks(low, high, count)).toEqual(wanted);
  });

  it("are never many", () => {
    for (let high = 0.0001; high < 1e6; high *= 1.7) {
      const found = ticks(0, high, 5);
      expect(found.length).toBeGreaterThan(1);
      expect(found.length).toBeLessThan(8);
    }
  });
});

describe("ceiling", () => {
  it.each([
    [0.043, 0.05],
    [0.2, 0.2],
    [37, 40],
    [0, 1],
  ])("of %f is %f", (value, wanted) => expect(ceiling(value)).toBe(wanted));
});

describe("path", () => {
  it("leaves a gap where nothing is known", () => {
    expect(path([[0, 1], [2, 3], null, [4, 5], [6, 7]])).toBe("M0.0 1.0L2.0 3.0M4.0 5.0L6.0 7.0");
  });
});
