import { expect, test } from "vitest";
import { Stopwatch } from "./stopwatch";

test("only the time in which the page can be seen counts", () => {
  let now = 0;
  const watch = new Stopwatch(() => now, true);
  watch.restart();
  now = 4_000;
  watch.show(false);
  now = 60_000;
  watch.show(true);
  now = 61_500;
  expect(watch.seconds()).toBe(5.5);
  watch.restart();
  expect(watch.seconds()).toBe(0);
});

test("an item that comes while the page is hidden costs nothing until it is seen", () => {
  let now = 0;
  const watch = new Stopwatch(() => now, false);
  watch.restart();
  now = 10_000;
  expect(watch.seconds()).toBe(0);
  watch.show(true);
  now = 12_000;
  expect(watch.seconds()).toBe(2);
});

test("no more than a day is ever reported", () => {
  let now = 0;
  const watch = new Stopwatch(() => now, true);
  watch.restart();
  now = 10 * 86_400_000;
  expect(watch.seconds()).toBe(86_400);
});
