import { useLayoutEffect, useState } from "preact/hooks";
import { allowSingleKeys } from "./keys";
import { shelf } from "./queue/desk";

/** How this reviewer likes the page; kept in the browser. */
export interface Prefs {
  /** A label's key decides at once, without Enter after it. */
  instant: boolean;
  /** Keys without Ctrl are commands. */
  singleKeys: boolean;
  guidelineOpen: boolean;
}

const KEY = "llmlabel.prefs";
const listeners = new Set<() => void>();

export function prefs(): Prefs {
  const kept = shelf.get<Partial<Prefs>>(KEY) ?? {};
  return { instant: true, singleKeys: true, guidelineOpen: false, ...kept };
}

export function setPref<K extends keyof Prefs>(name: K, value: Prefs[K]): void {
  shelf.put(KEY, { ...prefs(), [name]: value });
  allowSingleKeys(prefs().singleKeys);
  for (const listener of listeners) listener();
}

export function usePrefs(): Prefs {
  const [now, setNow] = useState(prefs);
  // At once: a key may change them before anything is painted.
  useLayoutEffect(() => {
    const update = (): void => setNow(prefs());
    listeners.add(update);
    return () => void listeners.delete(update);
  }, []);
  return now;
}
