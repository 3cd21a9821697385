import { describe, expect, it } from "vitest";
import { allowed, highest } from "./risk";

const promise = { error: 0.05, probability: 0.95 };

describe("what a promise allows", () => {
  it("of accepted labels is the same at every coverage", () => {
    expect(allowed({ ...promise, kind: "accepted" }, 0.2)).toBe(0.05);
  });

  it("of delivered labels is more of fewer, and all of very few", () => {
    const delivered = { ...promise, kind: "delivered" } as const;
    expect(allowed(delivered, 1)).toBe(0.05);
    expect(allowed(delivered, 0.5)).toBe(0.1);
    expect([allowed(delivered, 0.01), allowed(delivered, 0)]).toEqual([1, 1]);
  });

  it("is nothing without a promise", () => expect(allowed(null, 0.5)).toBeNull());
});

it("leaves no room for the risk of a handful", () => {
  const points = [
    { threshold: 0.99, coverage: 0.01, risk: 1, bound: 1 },
    { threshold: 0.5, coverage: 0.6, risk: 0.02, bound: 0.03 },
    { threshold: 0.2, coverage: 1, risk: 0.04, bound: 0.06 },
  ];
  expect(highest(points, null)).toBe(0.06);
  expect(highest(points, { ...promise, kind: "accepted" })).toBeCloseTo(0.08);
});
