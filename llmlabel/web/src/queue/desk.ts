import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { identify } from "../api/client";
import { Engine } from "./engine";
import { attach } from "./pulse";
import { claimSession, livingSessions } from "./session";
import { BrowserShelf, storageOf } from "./shelf";
import type { Snapshot } from "./snapshot";
import { http } from "./transport";

const NAME = "llmlabel.reviewer";

/** A reviewer at work in this tab. */
export interface Desk {
  reviewer: string;
  engine: Engine;
  /** Leave it: what is held is given back. */
  leave(): Promise<void>;
}

/** What of the page outlives it: the name, the outbox, the settings. */
export const shelf = new BrowserShelf(storageOf("localStorage"));
const tab = new BrowserShelf(storageOf("sessionStorage"));

export const rememberedName = (): string => shelf.get<string>(NAME) ?? "";

/** Sit down under a name; what this reviewer left unsent in pages now gone is sent. */
export async function sitDown(reviewer: string): Promise<Desk> {
  const session = await claimSession(tab);
  const living = await livingSessions();
  shelf.put(NAME, reviewer);
  identify({ reviewer, session });
  const engine = new Engine({
    transport: http,
    shelf,
    tab,
    reviewer,
    session,
    visible: !document.hidden,
    isAlive: (other) => living.has(other),
  });
  const detach = attach(engine);
  engine.start();
  return {
    reviewer,
    engine,
    leave: async () => {
      detach();
      await engine.stop();
      shelf.drop(NAME);
      identify(null);
    },
  };
}

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("nobody has sat down");
  return desk;
}

/** The state of the reviewer's engine, as it changes. */
export function useSnapshot(engine: Engine): Snapshot {
  const [snapshot, setSnapshot] = useState(engine.snapshot());
  useEffect(() => {
    const update = (): void => setSnapshot(engine.snapshot());
    update();
    return engine.subscribe(update);
  }, [engine]);
  return snapshot;
}
