import { expect, it } from "vitest";
import { shown, tsv } from "./table";

it("copies full precision, and nothing for what is not known", () => {
  expect(tsv({ columns: ["label", "n", "share"], rows: [["a\tb\nc", 3, 1 / 3], ["d", 0, null]] })).toBe(
    "label\tn\tshare\na b c\t3\t0.3333333333333333\nd\t0\t\n",
  );
});

it("shows four digits that count", () => {
  expect([1 / 3, 1204, 0.00012346, null, "x"].map(shown)).toEqual(["0.3333", "1,204", "0.0001235", "–", "x"]);
});
