import type { Answer, Review } from "../api/types";

/** An item in hand. The token is null while an undo is on its way to bring a new one. */
export interface Held {
  item: Review;
  token: number | null;
  /** By the server's clock, in milliseconds. */
  expiresAt: number;
  draft: Answer | null;
  /** What there is of an answer that is not whole yet. */
  begun: Answer | null;
  /** The reviewer changed the draft, or began one. */
  touched: boolean;
}

/**
 * The items a reviewer holds: the first is on the screen, the others wait behind it.
 *
 * It remembers what was decided, because an answer of the service may still name an item that
 * was decided while the answer was under way. Only under a newer token does such an item count.
 */
export class Hand {
  items: Held[] = [];
  private readonly decided = new Map<string, number>();

  get current(): Held | null {
    return this.items[0] ?? null;
  }

  /** Add what the service gave, last; returns how many were new. */
  add(reviews: readonly Review[], isBusy: (id: string) => boolean): number {
    let added = 0;
    for (const item of reviews) {
      const token = item.lease?.token ?? null;
      if (token === null || isBusy(item.id) || token <= (this.decided.get(item.id) ?? -1)) continue;
      const known = this.find(item.id);
      if (known) renew(known, item);
      else {
        this.items.push(held(item));
        added += 1;
      }
    }
    return added;
  }

  /** Put an item on the screen, before all others. */
  putFirst(entry: Held): void {
    this.remove(entry.item.id);
    this.items.unshift(entry);
  }

  /** The item on the screen is decided: the next one takes its place. */
  finish(): Held | null {
    const done = this.items.shift() ?? null;
    if (done) this.settle(done.item.id, done.token);
    return done;
  }

  /** Remember that an item is decided under this token, by this page or by one before it. */
  settle(id: string, token: number | null): void {
    this.decided.set(id, Math.max(token ?? -1, this.decided.get(id) ?? -1));
    const oldest = this.decided.keys().next().value;
    if (this.decided.size > 500 && oldest !== undefined) this.decided.delete(oldest);
  }

  find(id: string): Held | null {
    return this.items.find((each) => each.item.id === id) ?? null;
  }

  remove(id: string): void {
    this.items = this.items.filter((each) => each.item.id !== id);
  }

  leases(): { id: string; token: number }[] {
    return this.items.flatMap(({ item, token }) => (token === null ? [] : [{ id: item.id, token }]));
  }
}

/** An item as it came, under the lease that came with it. */
export function held(item: Review, draft: Answer | null = null): Held {
  const fresh: Held = {
    item,
    token: null,
    expiresAt: 0,
    draft: draft ?? proposed(item),
    begun: null,
    touched: draft !== null,
  };
  renew(fresh, item);
  return fresh;
}

/** What can be confirmed as it stands. Where reviewers disagree, an adjudicator has to choose. */
export function proposed(item: Review): Answer | null {
  return item.answers ? null : (item.proposal?.answer ?? null);
}

/** Hold an item under the lease that the service names now. */
export function renew(entry: Held, { lease }: Pick<Review, "lease">): void {
  if (!lease) return;
  entry.token = lease.token;
  entry.expiresAt = Date.parse(lease.expires_at);
}
