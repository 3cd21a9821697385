// Pages over a service in memory, for tests.

import { vi } from "vitest";
import type { Decision } from "../tasks/task";
import { Engine } from "./engine";
import type { MadeService } from "./made_service";
import { MemoryShelf } from "./shelf";
import type { Filter } from "./transport";

export const ALL: Filter = { guideline: null, queue: "review", kind: null, language: null, order: null };
export const CONFIRM: Decision = { kind: "confirm" };
export const label = (name: string): Decision => ({ kind: "correct", answer: { kind: "choice", label: name } });

/** A browser: what its pages keep outlives them. */
export class MadeBrowser {
  readonly shelf = new MemoryShelf();
  readonly tab = new MemoryShelf();

  constructor(private readonly service: MadeService) {}

  page(reviewer = "ann", session = "tab-1", transport = this.service.as(reviewer)): Engine {
    const { shelf, tab } = this;
    return new Engine({ transport, shelf, tab, reviewer, session, visible: true });
  }

  async opened(): Promise<Engine> {
    const engine = this.page();
    engine.start();
    await engine.open(ALL);
    return engine;
  }
}

/** Lets everything under way come to its end, retries included. */
export const settle = (milliseconds = 120_000): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);

/** The id of the item on the screen. */
export const shown = (engine: Engine): string | undefined => engine.snapshot().current?.item.id;
