import { expect, test } from "vitest";
import { href, parse } from "./router";

test("a place is written as an address and read from it", () => {
  const address = href("review", "a/b@1.0.0", { kind: "blind", language: "he" });
  expect(address).toBe("#/review/a%2Fb@1.0.0?kind=blind&language=he");
  expect(parse(address)).toEqual({
    page: "review",
    guideline: "a/b@1.0.0",
    query: { kind: "blind", language: "he" },
  });
});

test.each(["", "#", "#/", "#/nowhere", "#/nowhere/x"])("the address %j is the welcome page", (hash) => {
  expect(parse(hash)).toMatchObject({ page: "welcome", guideline: null });
});

test("a broken escape in an address breaks nothing", () => {
  expect(parse("#/dashboard/%E0%A4%A").guideline).toBe("%E0%A4%A");
});
