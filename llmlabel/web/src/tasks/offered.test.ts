import { expect, test } from "vitest";
import { offered } from "./offered";

const labels = (n: number) => Array.from({ length: n }, (_, k) => ({ name: `l${k}`, definition: "" }));

test("labels with a key each stand in the guideline's order, whatever is likely", () => {
  const { labels: shown, ranked } = offered(labels(29), { l5: 0.9 }, "l5");
  expect(shown.map(({ name }) => name)).toEqual(labels(29).map(({ name }) => name));
  expect(ranked).toBe(false);
});

test("of more labels the nine likeliest are shown, the proposed one first", () => {
  const { labels: shown, ranked } = offered(labels(150), { l77: 0.3, l140: 0.2 }, "l99");
  expect(shown.slice(0, 4).map(({ name }) => name)).toEqual(["l99", "l77", "l140", "l0"]);
  expect([shown.length, ranked]).toEqual([9, true]);
});
