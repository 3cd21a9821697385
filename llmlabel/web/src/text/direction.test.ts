import { expect, it } from "vitest";
import { directionOf } from "./direction";

it("the first letter decides, not what stands before it", () => {
  expect(directionOf("12. שלום world")).toBe("rtl");
  expect(directionOf("«مرحبا»")).toBe("rtl");
  expect(directionOf("Hello שלום")).toBe("ltr");
  expect(directionOf("😀 123")).toBe("ltr");
  expect(directionOf("")).toBe("ltr");
});
