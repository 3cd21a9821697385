import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { forget, type Identity, identify } from "../api/client";
import { signOut, type Who } from "../api/session";
import { Engine } from "./engine";
import { attach } from "./pulse";
import { claimSession, livingSessions } from "./session";
import { BrowserShelf, storageOf } from "./shelf";
import type { Snapshot } from "./snapshot";
import { http } from "./transport";

const NAME = "llmlabel.reviewer";
/** How often it is looked whether another page of the reviewer is gone; first sooner. */
const LOOK = 30_000;
const FIRST_LOOK = 3_000;

/** A reviewer at work in this tab. */
export interface Desk {
  reviewer: string;
  who: Who;
  engine: Engine;
  /** The same reviewer signed in again: what waited is sent. */
  resume(who: Who): void;
  /** Leave it: what is held is given back, and whoever signed in is signed out. */
  leave(): Promise<void>;
  /** Others have taken this browser over: nothing more is done in the name of this reviewer. */
  drop(): void;
}

/** What of the page outlives it: the name, the outbox, the settings. */
export const shelf = new BrowserShelf(storageOf("localStorage"));
const tab = new BrowserShelf(storageOf("sessionStorage"));

export const rememberedName = (): string => shelf.get<string>(NAME) ?? "";

/** Sit down under a name; what this reviewer left unsent in pages now gone is sent. */
export async function sitDown(reviewer: string, who: Who): Promise<Desk> {
  const session = await claimSession(tab);
  const living = await livingSessions();
  if (who.open) shelf.put(NAME, reviewer);
  let me: Identity | null = null;
  const speakAs = ({ csrf_token }: Who): void => identify((me = { reviewer, session, csrf: csrf_token }));
  speakAs(who);
  const engine = new Engine({
    transport: http,
    shelf,
    tab,
    reviewer,
    session,
    visible: !document.hidden,
    isAlive: (other) => living?.has(other) ?? false,
  });
  const untie = attach(engine);
  engine.start();
  const look = async (): Promise<void> => {
    const now = await livingSessions();
    if (now) await engine.inherit(now);
  };
  if (living) void engine.inherit(living);
  const looks = [setTimeout(() => void look(), FIRST_LOOK), setInterval(() => void look(), LOOK)];
  const detach = (): void => {
    untie();
    looks.forEach(clearTimeout);
  };
  return {
    reviewer,
    who,
    engine,
    resume: (again) => {
      speakAs(again);
      engine.outbox.hurry();
      void engine.keep();
      void engine.refill(true);
    },
    leave: async () => {
      detach();
      try {
        await engine.stop();
        if (who.open) shelf.drop(NAME);
        else await signOut();
      } finally {
        forget(me);
      }
    },
    drop: () => {
      detach();
      engine.outbox.stop();
      forget(me);
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
