import { expect, test } from "vitest";
import { amount, duration, percent } from "./amounts";

test.each([
  [0, "0 s"],
  [89.4, "89 s"],
  [95, "2 min"],
  [5_400, "1 h 30 min"],
  [7_200, "2 h"],
  [200_000, "2 days"],
])("%d seconds are %s", (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});

test("one is not many", () => {
  expect([amount(1, "item"), amount(0, "item"), amount(1204, "entry", "entries")]).toEqual([
    "1 item",
    "0 items",
    "1,204 entries",
  ]);
});

test("what is nearly certain is not called certain", () => {
  expect([percent(1), percent(0.996), percent(0.5), percent(0.002), percent(0)]).toEqual([
    "100%",
    ">99%",
    "50%",
    "<1%",
    "0%",
  ]);
});
