import { beforeEach, describe, expect, test, vi } from "vitest";
import { ALL, CONFIRM, label, MadeBrowser, settle, shown } from "./made_page";
import { MadeService } from "./made_service";

let service: MadeService;
let browser: MadeBrowser;

beforeEach(() => {
  vi.useFakeTimers();
  service = new MadeService(40);
  browser = new MadeBrowser(service);
});

describe("undo", () => {
  test("a decision that was not sent yet is taken back without the service", async () => {
    const engine = await browser.opened();
    service.fault = () => "lost-request";
    engine.decide(label("bad"));
    engine.decide(label("bad"));
    await settle(10);
    await engine.undo();
    expect(shown(engine)).toBe("r001");
    expect(engine.snapshot()).toMatchObject({ unsent: 1, decided: 1 });
    service.fault = () => "none";
    await settle();
    expect(service.heard.filter((what) => !what.startsWith("take"))).toEqual(["correct r000"]);
  });

  test("one whose answer was lost is taken back at the service too", async () => {
    const engine = await browser.opened();
    service.fault = (what) => (what.startsWith("correct") ? "lost-answer" : "none");
    engine.decide(label("bad"));
    await settle(10);
    await engine.undo();
    service.fault = () => "none";
    await settle();
    expect(service.winner("r000")).toBeNull();
    expect(shown(engine)).toBe("r000");
  });

  test("one that was sent is on the screen at once, and what is decided then waits for its lease", async () => {
    const engine = await browser.opened();
    engine.decide(label("bad"));
    await settle();
    void engine.undo();
    expect(shown(engine)).toBe("r000");
    expect(engine.snapshot().current?.draft).toEqual({ kind: "choice", label: "bad" });
    engine.decide(label("good"));
    await settle();
    expect(service.winner("r000")).toBe("ann correct good");
    expect(engine.snapshot().refusals).toEqual([]);
  });

  test("it goes back decision by decision", async () => {
    const engine = await browser.opened();
    for (let n = 0; n < 3; n++) engine.decide(CONFIRM);
    await settle();
    for (const id of ["r002", "r001", "r000"]) {
      await engine.undo();
      expect(shown(engine)).toBe(id);
    }
    await settle();
    expect([service.winner("r000"), service.winner("r001"), service.winner("r002")]).toEqual([null, null, null]);
  });

  test("what the service does not let go stands, and the reviewer hears why", async () => {
    const engine = await browser.opened();
    engine.decide(CONFIRM);
    await settle();
    service.row("r000").verdicts.push({ reviewer: "zoe", kind: "confirm", token: 9, label: null });
    await engine.undo();
    engine.decide(label("bad"));
    await settle();
    expect(shown(engine)).toBe("r001");
    expect(engine.snapshot().refusals).toMatchObject([{ entry: { reviewId: "r000", kind: "correct" } }]);
    expect(engine.snapshot().notice?.words).toContain("adjudicator");
  });

  test("after a reload the service knows what came last", async () => {
    const engine = await browser.opened();
    engine.decide(CONFIRM);
    await settle();
    engine.leave();
    const again = await browser.opened();
    await again.undo();
    expect(shown(again)).toBe("r000");
  });

  test("with nothing decided it says so", async () => {
    const engine = await browser.opened();
    await engine.undo();
    expect(engine.snapshot().notice?.words).toBe("There is nothing to take back.");
    expect(shown(engine)).toBe("r000");
  });
});

describe("leases", () => {
  test("leaving gives back what is in hand, but neither what is begun nor what is unsent", async () => {
    const engine = await browser.opened();
    service.fault = (what) => (what.startsWith("confirm") ? "lost-request" : "none");
    engine.decide(CONFIRM);
    engine.setDraft({ kind: "choice", label: "bad" });
    await settle(10);
    engine.leave();
    await settle(10);
    const held = [...service.rows.values()].filter((row) => row.by === "ann").map((row) => row.id);
    expect(held).toEqual(["r000", "r001"]);
  });

  test("a draft is still there after a reload", async () => {
    const engine = await browser.opened();
    engine.setDraft({ kind: "choice", label: "bad" });
    engine.leave();
    const again = await browser.opened();
    expect(shown(again)).toBe("r000");
    expect(again.snapshot().current?.draft).toEqual({ kind: "choice", label: "bad" });
  });

  test("another queue is opened only after the items of the first are given back", async () => {
    const engine = await browser.opened();
    await engine.open({ ...ALL, guideline: "mood" });
    expect(service.heard).toEqual(["take", "release", "take"]);
    await engine.open(null);
    expect([...service.rows.values()].every((row) => row.by === null)).toBe(true);
  });

  test("renewing keeps what is in hand and what is unsent", async () => {
    const engine = await browser.opened();
    service.fault = (what) => (what.startsWith("confirm") ? "lost-request" : "none");
    engine.decide(CONFIRM);
    await settle(10);
    service.time += service.lease - 1;
    await engine.keep();
    service.time += service.lease - 1;
    service.fault = () => "none";
    await settle();
    expect(service.heard).not.toContain("take r000");
    expect(service.winner("r000")).toBe("ann confirm");
  });

  test("the item on the screen is taken again when its lease ran out and it is free", async () => {
    const engine = await browser.opened();
    service.time += 2 * service.lease;
    await engine.keep();
    expect(shown(engine)).toBe("r000");
    engine.decide(CONFIRM);
    await settle();
    expect(service.winner("r000")).toBe("ann confirm");
  });

  test("when someone else decided it, the next one comes and the reviewer hears who and what", async () => {
    const engine = await browser.opened();
    service.time += 2 * service.lease;
    const ben = service.as("ben");
    const taken = await ben.takeOne("r000");
    const answer = { kind: "choice", label: "bad" } as const;
    await ben.verdict("r000", { token: taken.lease?.token ?? 0, kind: "correct", answer });
    await engine.keep();
    await settle(10);
    expect(shown(engine)).toBe("r001");
    expect(engine.snapshot().notice?.words).toBe("ben decided the item you were looking at: bad.");
  });

  test("leases are renewed long before they end", async () => {
    service.lease = 30_000;
    const engine = await browser.opened();
    expect(engine.keepIn()).toBe(10_000);
    service.time += 29_000;
    expect(engine.keepIn()).toBe(1_000);
  });
});

describe("pages that are gone", () => {
  const ALIVE = new Set(["tab-1"]);

  test("another page of the reviewer gives back what a crashed one held", async () => {
    await browser.opened();
    const other = browser.page("ann", "tab-2");
    other.start();
    await other.inherit(new Set(["tab-2"]));
    expect(service.heard).not.toContain("release");
    await other.inherit(new Set(["tab-2"]));
    expect([...service.rows.values()].every((row) => row.by === null)).toBe(true);
    await other.inherit(new Set(["tab-2"]));
    expect(service.heard.filter((what) => what === "release")).toHaveLength(1);
  });

  test("one that is only loaded again, or lives, keeps what it holds", async () => {
    await browser.opened();
    const other = browser.page("ann", "tab-2");
    for (const living of [new Set<string>(), ALIVE, new Set<string>(), ALIVE]) await other.inherit(living);
    expect(service.heard).toEqual(["take"]);
  });

  test("a page of somebody else is not asked about", async () => {
    await browser.opened();
    const other = browser.page("ben", "tab-2");
    for (let n = 0; n < 3; n++) await other.inherit(new Set(["tab-2"]));
    expect(service.heard).toEqual(["take"]);
  });

  test("what it decided is sent by a page that was there before it went", async () => {
    const other = browser.page("ann", "tab-2");
    other.start();
    const crashed = await browser.opened();
    service.fault = () => "lost-request";
    crashed.decide(label("bad"));
    await settle(10);
    crashed.outbox.stop();
    service.fault = () => "none";
    for (let n = 0; n < 2; n++) await other.inherit(new Set(["tab-2"]));
    await settle(10);
    expect(service.winner("r000")).toBe("ann correct bad");
    expect(service.row("r001").by).toBeNull();
  });

  test("while the service is away it is tried again later", async () => {
    await browser.opened();
    const other = browser.page("ann", "tab-2");
    service.fault = () => "lost-request";
    for (let n = 0; n < 2; n++) await other.inherit(new Set(["tab-2"]));
    service.fault = () => "none";
    await other.inherit(new Set(["tab-2"]));
    expect(service.row("r000").by).toBeNull();
  });

  test("who leaves in order leaves no more than what is begun", async () => {
    const engine = await browser.opened();
    engine.setDraft({ kind: "choice", label: "bad" });
    engine.leave();
    await settle(10);
    expect(service.row("r000").by).toBe("ann");
    const other = browser.page("ann", "tab-2");
    for (let n = 0; n < 2; n++) await other.inherit(new Set(["tab-2"]));
    expect(service.row("r000").by).toBeNull();
  });
});

test("a decision that was refused is not one that can be taken back", async () => {
  const engine = await browser.opened();
  engine.decide(CONFIRM);
  engine.decide(label("forbidden"));
  await settle();
  expect(engine.snapshot()).toMatchObject({ decided: 1, refusals: [{ entry: { reviewId: "r001" } }] });
  await engine.undo();
  await settle();
  expect(shown(engine)).toBe("r000");
  expect(engine.snapshot().decided).toBe(0);
  expect(service.winner("r000")).toBeNull();
});
