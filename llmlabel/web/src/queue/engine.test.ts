import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Taken } from "../api/types";
import { Engine } from "./engine";
import { ALL, CONFIRM, label, MadeBrowser, settle, shown } from "./made_page";
import { type Fault, MadeService } from "./made_service";
import { MemoryShelf } from "./shelf";

let service: MadeService;
let browser: MadeBrowser;

beforeEach(() => {
  vi.useFakeTimers();
  service = new MadeService(40);
  browser = new MadeBrowser(service);
});

describe("deciding", () => {
  test("the next item is on the screen before the service has heard of the decision", async () => {
    const engine = await browser.opened();
    engine.decide(CONFIRM);
    expect(shown(engine)).toBe("r001");
    expect(service.winner("r000")).toBeNull();
    await settle();
    expect(service.winner("r000")).toBe("ann confirm");
  });

  test("decisions are carried out in the order in which they were made", async () => {
    const engine = await browser.opened();
    for (const name of ["good", "bad", "good"]) engine.decide(label(name));
    engine.decide({ kind: "skip" });
    engine.decide({ kind: "reject", comment: "unreadable" });
    await settle();
    const decisions = service.heard.filter((what) => /^(correct|skip|reject)/.test(what));
    expect(decisions).toEqual(["correct r000", "correct r001", "correct r002", "skip r003", "reject r004"]);
  });

  test("five items or more stay in hand while the queue has them", async () => {
    const engine = await browser.opened();
    for (let n = 0; n < 25; n++) {
      engine.decide(CONFIRM);
      await settle(10);
      expect(engine.hand.items.length).toBeGreaterThanOrEqual(5);
    }
  });

  test("who is faster than the network waits for it, and is never told that all is done", async () => {
    const engine = await browser.opened();
    service.fault = (what) => (what.startsWith("confirm") ? "lost-request" : "none");
    const phases = new Set<string>();
    engine.subscribe(() => phases.add(engine.snapshot().phase));
    for (let n = 0; n < 30; n++) {
      engine.decide(CONFIRM);
      await settle(1);
    }
    expect(engine.snapshot()).toMatchObject({ phase: "loading", unsent: 20 });
    service.fault = () => "none";
    engine.outbox.hurry();
    await settle(1_000);
    expect(engine.snapshot().phase).toBe("deciding");
    expect(phases).not.toContain("empty");
  });

  test("what was skipped is left to others, unless the reviewer asks for it", async () => {
    service = new MadeService(2);
    browser = new MadeBrowser(service);
    const engine = await browser.opened();
    engine.decide({ kind: "skip" });
    engine.decide(CONFIRM);
    await settle();
    await engine.refill(true);
    expect(engine.snapshot()).toMatchObject({ phase: "empty", skipped: 1, decided: 1 });
    expect(service.row("r000").by).toBeNull();
    await engine.takeSkipped();
    expect(shown(engine)).toBe("r000");
  });

  test("an empty queue is told from one that cannot be reached", async () => {
    service = new MadeService(1);
    browser = new MadeBrowser(service);
    const engine = await browser.opened();
    engine.decide(CONFIRM);
    await settle();
    await engine.refill(true);
    expect(engine.snapshot().phase).toBe("empty");
    service.fault = () => "lost-request";
    const away = browser.page("ben", "tab-2");
    await away.open(ALL);
    expect(away.snapshot()).toMatchObject({ phase: "failed", error: "The service cannot be reached." });
  });

  test("an answer that was under way does not bring a decided item back", async () => {
    const engine = await browser.opened();
    for (let n = 0; n < 6; n++) engine.decide(CONFIRM); // the last ones fetch while these are unsent
    await settle();
    const ids = engine.hand.items.map(({ item }) => item.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain("r000");
    expect(ids).not.toContain("r005");
  });
});

describe("a network that fails", () => {
  test("decisions made while it is away are kept, and sent when it is back", async () => {
    const engine = await browser.opened();
    service.fault = () => "lost-request";
    engine.decide(CONFIRM);
    engine.decide(label("bad"));
    await settle();
    expect(engine.snapshot()).toMatchObject({ online: false, unsent: 2 });
    service.fault = () => "none";
    engine.outbox.hurry();
    await settle(0);
    expect(engine.snapshot()).toMatchObject({ online: true, unsent: 0, refusals: [] });
    expect([service.winner("r000"), service.winner("r001")]).toEqual(["ann confirm", "ann correct bad"]);
  });

  test("a service that answers and takes nothing is told from one that is away", async () => {
    const engine = await browser.opened();
    service.fault = (what) => (what.startsWith("confirm") ? "fault" : "none");
    engine.decide(CONFIRM);
    await settle(10);
    expect(engine.snapshot()).toMatchObject({ online: true, unsent: 1, delayed: true });
    service.fault = () => "none";
    await settle(5_000);
    expect(engine.snapshot()).toMatchObject({ unsent: 0, delayed: false });
  });

  test("they outlive a reload of the page", async () => {
    const engine = await browser.opened();
    service.fault = () => "lost-request";
    engine.decide(label("bad"));
    await settle(10);
    engine.leave();
    service.fault = () => "none";
    const again = await browser.opened();
    await settle();
    expect(service.winner("r000")).toBe("ann correct bad");
    expect(again.snapshot().refusals).toEqual([]);
  });

  test("an answer that was under way does not bring back what the page before decided", async () => {
    const engine = await browser.opened();
    service.fault = () => "lost-request";
    engine.decide(CONFIRM);
    await settle(10);
    engine.outbox.stop(); // as a page that fell over, which gave nothing back
    service.fault = () => "none";
    const transport = service.as("ann");
    const slow = async (...asked: Parameters<typeof transport.take>): Promise<Taken> => {
      const taken = await transport.take(...asked);
      await new Promise((resolve) => setTimeout(resolve, 500));
      return taken;
    };
    const again = browser.page("ann", "tab-1", { ...transport, take: slow });
    const opening = again.open(ALL); // asks before the decision is sent, and is answered after
    await settle(1);
    again.start();
    await settle(400);
    expect(service.winner("r000")).toBe("ann confirm");
    await settle(1_000);
    await opening;
    expect(shown(again)).toBe("r001");
  });

  test("those of a tab that is gone are sent by the next one, those of a living tab are not", async () => {
    const engine = await browser.opened();
    service.fault = () => "lost-request";
    engine.decide(CONFIRM);
    await settle(10);
    const next = (alive: boolean): Engine =>
      new Engine({
        transport: service.as("ann"),
        shelf: browser.shelf,
        tab: new MemoryShelf(),
        reviewer: "ann",
        session: "tab-2",
        visible: true,
        isAlive: () => alive,
      });
    engine.outbox.stop();
    service.fault = () => "none";
    next(true).start();
    await settle();
    expect(service.winner("r000")).toBeNull();
    next(false).start();
    await settle();
    expect(service.winner("r000")).toBe("ann confirm");
  });

  test("an item whose lease ran out meanwhile is taken again if it is free", async () => {
    const engine = await browser.opened();
    service.fault = () => "lost-request";
    engine.decide(label("bad"));
    service.time += 10 * service.lease;
    service.fault = () => "none";
    await settle();
    expect(service.winner("r000")).toBe("ann correct bad");
  });

  test("what someone else decided meanwhile is refused, shown with the winner, and kept over a reload", async () => {
    const engine = await browser.opened();
    service.fault = () => "lost-request";
    engine.decide(label("bad"));
    await settle(10);
    service.time += 10 * service.lease;
    service.fault = () => "none";
    const ben = service.as("ben");
    const taken = await ben.takeOne("r000");
    await ben.verdict("r000", { token: taken.lease?.token ?? 0, kind: "confirm" });
    await settle();
    const [refusal] = engine.snapshot().refusals;
    expect(refusal).toMatchObject({ code: "already-reviewed", winner: { reviewer: "ben" } });
    expect(refusal?.entry.answer).toEqual({ kind: "choice", label: "bad" });
    engine.outbox.stop();
    const again = await browser.opened();
    expect(again.snapshot().refusals).toHaveLength(1);
    again.outbox.dismiss(again.snapshot().refusals[0]?.entry.key ?? "");
    expect((await browser.opened()).snapshot().refusals).toEqual([]);
  });

  test("a refused decision does not hold up those behind it", async () => {
    const engine = await browser.opened();
    engine.decide(label("forbidden"));
    engine.decide(CONFIRM);
    await settle();
    expect(engine.snapshot().refusals).toMatchObject([{ code: "invalid-input", detail: "No such label." }]);
    expect(service.winner("r001")).toBe("ann confirm");
    expect(engine.snapshot().decided).toBe(1);
  });

  test("a fault inside the service is tried a few times and then set aside", async () => {
    const engine = await browser.opened();
    service.fault = (what) => (what === "confirm r000" ? "fault" : "none");
    engine.decide(CONFIRM);
    engine.decide(CONFIRM);
    await settle();
    expect(engine.snapshot().refusals).toMatchObject([{ code: "internal-error" }]);
    expect(service.winner("r001")).toBe("ann confirm");
  });

  test.each(Array.from({ length: 25 }, (_, n) => n + 1))("in whatever order it fails, nothing is lost or done twice (%i)", async (seed) => {
    let state = seed * 7919;
    const chance = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    let failing = true;
    service.fault = (): Fault =>
      failing && chance() < 0.5 ? (chance() < 0.5 ? "lost-request" : "lost-answer") : "none";
    let engine = browser.page();
    engine.start();
    await engine.open(ALL);
    const expected = new Map<string, string>();
    const order: string[] = [];
    for (let n = 0; n < 30; n++) {
      await settle(Math.floor(chance() * 3_000));
      if (!engine.snapshot().current) await engine.refill(true);
      const id = shown(engine);
      if (chance() < 0.2 && order.length) {
        await engine.undo();
        expected.delete(order.pop() ?? "");
      } else if (chance() < 0.1) {
        engine.leave();
        engine.outbox.stop();
        await settle(1);
        engine = browser.page();
        engine.start();
        await engine.open(ALL);
        order.length = 0;
      } else if (id) {
        const name = chance() < 0.5 ? "good" : "bad";
        engine.decide(label(name));
        expected.set(id, `ann correct ${name}`);
        order.push(id);
      }
    }
    failing = false;
    engine.outbox.hurry();
    await settle(600_000);
    expect(engine.snapshot()).toMatchObject({ unsent: 0, refusals: [] });
    const winners = [...service.rows.keys()].map((id) => [id, service.winner(id)] as const);
    expect(new Map(winners.filter(([, winner]) => winner !== null))).toEqual(expected);
    for (const row of service.rows.values()) expect(row.verdicts.length).toBeLessThanOrEqual(1);
  });
});
