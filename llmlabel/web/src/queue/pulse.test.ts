import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MadeBrowser, settle } from "./made_page";
import { MadeService } from "./made_service";
import { attach, heard } from "./pulse";

const MINUTE = 60_000;

let service: MadeService;
let detach: () => void;

beforeEach(async () => {
  vi.useFakeTimers();
  service = new MadeService(4);
  detach = attach(await new MadeBrowser(service).opened());
});

afterEach(() => detach());

/** How often leases were renewed in these minutes, `each` happening in every one of them. */
async function renewed(minutes: number, each: () => void = () => undefined): Promise<number> {
  const before = service.heard.length;
  for (let n = 0; n < minutes; n++) {
    each();
    await settle(MINUTE);
  }
  return service.heard.slice(before).filter((what) => what === "renew").length;
}

test("whoever touches nothing for ten minutes holds nothing any longer", async () => {
  expect(await renewed(9)).toBeGreaterThan(5);
  await renewed(2);
  expect(await renewed(5)).toBe(0);
});

test("whoever listens to a long recording keeps it", async () => {
  await renewed(15, heard);
  expect(await renewed(5, heard)).toBeGreaterThan(3);
});

test("whoever comes back takes hold of it at once", async () => {
  await renewed(15);
  const before = service.heard.length;
  dispatchEvent(new KeyboardEvent("keydown", { key: "x" }));
  await settle(10);
  expect(service.heard.slice(before)).toContain("renew");
});
