import { describe, expect, it } from "vitest";
import { ago, cut, percentTicks, plain, plainTicks, seconds, share, shortDay } from "./formats";

describe("share", () => {
  it.each([
    [0, "0%"],
    [0.00004, "<0.01%"],
    [0.0004, "0.04%"],
    [0.023, "2.3%"],
    [0.05, "5%"],
    [0.714, "71%"],
    [0.992, "99.2%"],
    [0.99999, ">99.9%"],
    [1, "100%"],
    [null, "–"],
  ])("of %f is %s", (value, wanted) => expect(share(value)).toBe(wanted));

  it("never says none or all of what is some", () => {
    for (let p = 1e-7; p < 1; p += 0.00037) {
      expect(share(p)).not.toBe("0%");
      expect(share(p)).not.toBe("100%");
    }
  });
});

it("gives all ticks of an axis as many digits", () => {
  expect(percentTicks([0, 0.025, 0.05])).toEqual(["0.0%", "2.5%", "5.0%"]);
  expect(plainTicks([-0.5, 0, 0.5, 1])).toEqual(["−0.5", "0.0", "0.5", "1.0"]);
  expect(plainTicks([0, 500, 1000])).toEqual(["0", "500", "1,000"]);
});

it("says how long ago in whole words", () => {
  expect(ago(0, 2_000)).toBe("just now");
  expect(ago("1970-01-01T00:00:00Z", 240_000)).toBe("4 min ago");
});

it("writes what it does not know as such", () => {
  expect([plain(null), seconds(null), plain(-0.2)]).toEqual(["–", "–", "−0.20"]);
});

it("names a day in its own time zone", () => expect(shortDay("2026-05-04")).toBe("4 May"));

it("cuts between characters, not within them", () => expect(cut("a👏👏👏", 3)).toBe("a👏…"));
