import { useEffect, useRef, useState } from "preact/hooks";
import { inWords, Problem } from "../api/client";

/** Milliseconds from one answer to the next question. */
export const EVERY = 30_000;
/** From then on what is shown is called old. */
export const LATE = 75_000;

/** What the service said last, and what became of asking again. */
export interface Polled<T> {
  data: T | null;
  /** When it was said. */
  at: number | null;
  /** Why the newest question has no answer. */
  problem: string | null;
  /** The service refused; asking again will not help by itself. */
  refused: boolean;
  asking: boolean;
  again(): void;
}

type Known<T> = Omit<Polled<T>, "again">;

const NOTHING = { data: null, at: null, problem: null, refused: false, asking: true };

/**
 * Ask now and every 30 s while the page is in sight; what was said stays until there is more.
 *
 * @param key What is asked for: answers to another key are never shown under this one.
 */
export function usePolled<T>(key: string, load: () => Promise<T>): Polled<T> {
  const known = useRef(new Map<string, Known<T>>());
  const [, redraw] = useState(0);
  const ask = useRef<() => void>(() => undefined);
  const loading = useRef(load);
  loading.current = load;

  useEffect(() => {
    let gone = false;
    let busy = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const put = (change: Partial<Known<T>>): void => {
      known.current.set(key, { ...NOTHING, ...known.current.get(key), ...change });
      redraw((n) => n + 1);
    };
    const now = async (): Promise<void> => {
      if (busy) return;
      busy = true;
      clearTimeout(timer);
      put({ asking: true });
      try {
        const data = await loading.current();
        if (!gone) put({ data, at: Date.now(), problem: null, refused: false, asking: false });
      } catch (error) {
        if (!gone) put({ problem: inWords(error), refused: error instanceof Problem, asking: false });
      }
      busy = false;
      if (!gone) timer = setTimeout(due, EVERY);
    };
    const due = (): void => {
      // A page out of sight asks nothing; it asks when it is looked at again.
      if (!document.hidden) void now();
    };
    const seen = (): void => {
      const at = known.current.get(key)?.at ?? 0;
      if (!document.hidden && Date.now() - at >= EVERY) void now();
    };
    ask.current = () => void now();
    void now();
    document.addEventListener("visibilitychange", seen);
    addEventListener("online", ask.current);
    const woken = ask.current;
    return () => {
      gone = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("online", woken);
    };
  }, [key]);

  return { ...NOTHING, ...known.current.get(key), again: () => ask.current() };
}

/** How old what is shown is: as fresh as its oldest part. */
export function oldest(parts: readonly { at: number | null }[]): number | null {
  const moments = parts.map(({ at }) => at).filter((at) => at !== null);
  return moments.length ? Math.min(...moments) : null;
}

/** Milliseconds since the epoch, told again every few seconds. */
export function useNow(every = 5_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
