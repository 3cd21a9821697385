import { expect, test } from "vitest";
import { BrowserShelf } from "./shelf";

test("what the browser has no room for stays at hand, and the shelf says that it will not last", () => {
  const full: Storage = {
    length: 0,
    key: () => null,
    clear: () => undefined,
    getItem: () => null,
    removeItem: () => undefined,
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  };
  const shelf = new BrowserShelf(full);
  expect(shelf.lasting).toBe(true);
  shelf.put("box:1", { n: 1 });
  expect(shelf.lasting).toBe(false);
  expect(shelf.get("box:1")).toEqual({ n: 1 });
  expect(shelf.keys("box:")).toEqual(["box:1"]);
  shelf.drop("box:1");
  expect(shelf.keys("box:")).toEqual([]);
});

test("what another program wrote there is no record", () => {
  localStorage.setItem("box:2", "{half");
  expect(new BrowserShelf(localStorage).get("box:2")).toBeNull();
});
