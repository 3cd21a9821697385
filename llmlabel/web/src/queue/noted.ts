import type { Shelf } from "./shelf";
import type { LeaseRef } from "./transport";

/**
 * The leases of each page of a reviewer, noted where they outlive it.
 *
 * A page that crashed gave nothing back: another page of the same reviewer does it in its place,
 * so that nobody waits until those leases have run out.
 */
export class Noted {
  private readonly prefix: string;
  private last = "";

  constructor(
    private readonly shelf: Shelf,
    reviewer: string,
    private readonly session: string,
  ) {
    this.prefix = `llmlabel.held:${encodeURIComponent(reviewer)}:`;
  }

  /** What this page holds now. */
  put(leases: readonly LeaseRef[]): void {
    const now = leases.map(({ id, token }) => `${id} ${token}`).join();
    if (now === this.last) return;
    this.last = now;
    if (leases.length) this.shelf.put(this.prefix + this.session, leases);
    else this.shelf.drop(this.prefix + this.session);
  }

  /** What pages that are gone held, by session. */
  left(isAlive: (session: string) => boolean): Map<string, LeaseRef[]> {
    const found = new Map<string, LeaseRef[]>();
    for (const key of this.shelf.keys(this.prefix)) {
      const session = key.slice(this.prefix.length);
      if (session !== this.session && !isAlive(session)) found.set(session, this.shelf.get<LeaseRef[]>(key) ?? []);
    }
    return found;
  }

  forget(session: string): void {
    this.shelf.drop(this.prefix + session);
  }
}
