import { beforeEach, describe, expect, test, vi } from "vitest";
import { Problem } from "../api/client";
import { ALL, CONFIRM, label, MadeBrowser, settle, shown } from "./made_page";
import { MadeService } from "./made_service";
import type { Transport } from "./transport";

let service: MadeService;
let browser: MadeBrowser;
/** What every request is refused with; null once somebody is signed in again. */
let refusal: { status: number; code: string } | null;

beforeEach(() => {
  vi.useFakeTimers();
  service = new MadeService(40);
  browser = new MadeBrowser(service);
  refusal = null;
});

/** The service as somebody meets it whose session may have ended. */
function throughSession(reviewer = "ann"): Transport {
  const real = service.as(reviewer);
  const refused =
    <A extends unknown[], T>(ask: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      if (refusal) throw new Problem(refusal.status, refusal.code, "Sign in again.", "", null, null, null);
      return ask(...args);
    };
  return {
    take: refused(real.take),
    takeOne: refused(real.takeOne),
    verdict: refused(real.verdict),
    undo: refused(real.undo),
    undoLast: refused(real.undoLast),
    renew: refused(real.renew),
    release: refused(real.release),
    now: real.now,
  };
}

describe.each([
  { status: 401, code: "unauthorized" },
  { status: 403, code: "wrong-csrf-token" },
])("a session that ended ($code)", (over) => {
  test("loses no decision: all are kept, and sent once somebody is signed in again", async () => {
    const engine = browser.page("ann", "tab-1", throughSession());
    await engine.open(ALL);
    refusal = over;
    engine.decide(label("good"));
    engine.decide(CONFIRM);
    engine.decide({ kind: "reject", comment: "unreadable" });
    await settle(600_000);
    expect(engine.snapshot()).toMatchObject({ unsent: 3, refusals: [], online: true });
    expect(service.winner("r000")).toBeNull();
    refusal = null;
    engine.outbox.hurry();
    await settle();
    expect(engine.snapshot()).toMatchObject({ unsent: 0, refusals: [] });
    expect(["r000", "r001", "r002"].map((id) => service.winner(id))).toEqual([
      "ann correct good",
      "ann confirm",
      "ann reject",
    ]);
  });

  test("keeps the item on the screen with what was begun of it", async () => {
    const engine = browser.page("ann", "tab-1", throughSession());
    await engine.open(ALL);
    engine.setDraft({ kind: "choice", label: "bad" });
    refusal = over;
    await engine.keep();
    await settle();
    expect(shown(engine)).toBe("r000");
    expect(engine.snapshot().current?.draft).toEqual({ kind: "choice", label: "bad" });
  });

  test("leaves what was decided to nobody else, and to the same reviewer in a later page", async () => {
    const engine = browser.page("ann", "tab-1", throughSession());
    await engine.open(ALL);
    refusal = over;
    engine.decide(label("good"));
    await settle();
    engine.outbox.stop();
    refusal = null;
    const other = browser.page("bob", "tab-2", throughSession("bob"));
    other.start();
    await settle();
    expect(service.winner("r000")).toBeNull();
    const again = browser.page("ann", "tab-3", throughSession());
    again.start();
    await settle();
    expect(service.winner("r000")).toBe("ann correct good");
  });
});
