import type { Shelf } from "./shelf";

const KEY = "llmlabel.session";
/** Sessions whose lock this very page holds: whoever sits down in it after another has the same one. */
const mine = new Set<string>();
const lockOf = (session: string): string => `llmlabel.session:${session}`;

/**
 * The id of this tab: a reload keeps it, a copy of the tab gets one of its own.
 *
 * Where the browser has no locks (pages without https, except on this machine), a copied tab
 * shares the id of the first and may be given the same items.
 */
export async function claimSession(tab: Shelf): Promise<string> {
  const kept = tab.get<string>(KEY);
  const session = kept && (await claimed(kept)) ? kept : crypto.randomUUID?.() ?? madeUp();
  if (session !== kept) await claimed(session);
  tab.put(KEY, session);
  return session;
}

/** Which sessions have a page open now; null where the browser cannot tell. */
export async function livingSessions(): Promise<Set<string> | null> {
  if (!navigator.locks) return null;
  const { held = [] } = await navigator.locks.query();
  return new Set(held.map(({ name = "" }) => name.replace(lockOf(""), "")));
}

/** Hold the lock of a session for as long as the page lives; false when another page has it. */
function claimed(session: string): Promise<boolean> {
  if (!navigator.locks || mine.has(session)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const granted = (lock: Lock | null): Promise<void> | undefined => {
      if (lock) mine.add(session);
      resolve(lock !== null);
      return lock ? new Promise<void>(() => undefined) : undefined;
    };
    void navigator.locks.request(lockOf(session), { ifAvailable: true }, granted);
  });
}

function madeUp(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("");
}
