/** A place for small records that outlives the page: localStorage, or memory where that is barred. */
export interface Shelf {
  /** False where what is kept is gone with the page. */
  readonly lasting: boolean;
  keys(prefix: string): string[];
  get<T>(key: string): T | null;
  put(key: string, value: unknown): void;
  drop(key: string): void;
}

export class MemoryShelf implements Shelf {
  readonly lasting = false;
  private readonly kept = new Map<string, string>();

  keys(prefix: string): string[] {
    return [...this.kept.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  get<T>(key: string): T | null {
    return read<T>(this.kept.get(key) ?? null);
  }

  put(key: string, value: unknown): void {
    this.kept.set(key, JSON.stringify(value));
  }

  drop(key: string): void {
    this.kept.delete(key);
  }
}

/** What a browser's storage has no room for, or does not allow, stays in memory. */
export class BrowserShelf implements Shelf {
  private readonly spare = new MemoryShelf();
  private full = false;

  constructor(private readonly storage: Storage | null) {}

  get lasting(): boolean {
    return this.storage !== null && !this.full;
  }

  keys(prefix: string): string[] {
    const found = new Set(this.spare.keys(prefix));
    for (let n = 0; n < (this.storage?.length ?? 0); n++) {
      const key = this.storage?.key(n);
      if (key?.startsWith(prefix)) found.add(key);
    }
    return [...found].sort();
  }

  get<T>(key: string): T | null {
    return this.spare.get<T>(key) ?? read<T>(this.storage?.getItem(key) ?? null);
  }

  put(key: string, value: unknown): void {
    try {
      if (!this.storage) throw new Error("no storage");
      this.storage.setItem(key, JSON.stringify(value));
      this.spare.drop(key);
    } catch {
      this.full = true;
      this.spare.put(key, value);
    }
  }

  drop(key: string): void {
    this.spare.drop(key);
    this.storage?.removeItem(key);
  }
}

/** Storage of the browser, if it lets the page have any. */
export function storageOf(kind: "localStorage" | "sessionStorage"): Storage | null {
  try {
    const storage = window[kind];
    storage.setItem("llmlabel.try", "1");
    storage.removeItem("llmlabel.try");
    return storage;
  } catch {
    return null;
  }
}

function read<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
