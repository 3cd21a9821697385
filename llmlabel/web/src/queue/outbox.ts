import { isSignedOut, Problem, Unreachable } from "../api/client";
import type { Answer, Review, Verdict, VerdictKind } from "../api/types";
import { sameAnswer } from "../text/answers";
import type { Shelf } from "./shelf";
import type { Transport } from "./transport";

/** A decision on its way to the service. */
export interface Entry {
  /** Grows with time: entries are sent in this order. */
  key: string;
  op: "verdict" | "undo";
  reviewId: string;
  /** Null: the undo before it will bring it. */
  token: number | null;
  /** What was decided, or was taken back. */
  kind: VerdictKind;
  answer: Answer | null;
  comment: string | null;
  seconds: number | null;
  guideline: string;
  /** The beginning of the text, to tell the reviewer which one is meant. */
  words: string;
  session: string;
  /** It was sent once, or may have been: the service may know it though no answer came. */
  begun: boolean;
  /** How often the service failed over it. */
  tries: number;
}

/** A decision that the service did not take, kept until the reviewer has seen it. */
export interface Refusal {
  entry: Entry;
  code: string;
  detail: string;
  winner: Verdict | null;
}

export interface OutboxEvents {
  changed(): void;
  sent(entry: Entry, item: Review): void;
  refused(refusal: Refusal): void;
}

const BOX = "llmlabel.outbox:";

/** How many decisions of whomever this browser keeps. */
export const unsentIn = (shelf: Shelf): number => shelf.keys(BOX).length;

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;
/** A fault inside the service may pass; a decision that meets it so often is set aside. */
const TRIES_OF_FAULTS = 5;
const PASSING = new Set([408, 425, 429, 503]);

/**
 * Decisions that the service has not taken yet, in the order in which they were made.
 *
 * They outlive the page. Each leaves the outbox only as taken or as refused: an answer that never
 * came is asked for again, which the service knows how to take.
 */
export class Outbox {
  entries: Entry[] = [];
  refusals: Refusal[] = [];
  online = true;
  private running = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private wait = FIRST_WAIT;
  private last = 0;
  private stopped = false;

  constructor(
    private readonly shelf: Shelf,
    private readonly transport: Transport,
    private readonly reviewer: string,
    private readonly session: string,
    private readonly events: OutboxEvents,
  ) {
    this.refusals = this.stored<Refusal>("refused");
  }

  get lasting(): boolean {
    return this.shelf.lasting;
  }

  /** Take over what this tab, or one that is gone, left behind. */
  adopt(isAlive: (session: string) => boolean = () => false): void {
    const known = new Set(this.entries.map((entry) => entry.key));
    for (const entry of this.stored<Entry>("outbox")) {
      if (known.has(entry.key)) continue;
      if (entry.session !== this.session && isAlive(entry.session)) continue;
      this.entries.push(this.keep({ ...entry, session: this.session }));
    }
    this.entries.sort((one, other) => (one.key < other.key ? -1 : 1));
    this.events.changed();
  }

  add(new_: Omit<Entry, "key" | "session" | "begun" | "tries">): Entry {
    const mine = { key: this.nextKey(), session: this.session, begun: false, tries: 0 };
    const entry = this.keep({ ...new_, ...mine });
    this.entries.push(entry);
    this.events.changed();
    void this.send();
    return entry;
  }

  /** Take a decision back before it is sent; false when the service may know it already. */
  withdraw(key: string): boolean {
    if (!this.entries.some((entry) => entry.key === key && !entry.begun)) return false;
    this.remove(key);
    return true;
  }

  /** The service answers, and yet does not take what is sent for now. */
  get delayed(): boolean {
    return this.online && (this.entries[0]?.tries ?? 0) > 0;
  }

  holds(reviewId: string): boolean {
    return this.entries.some((entry) => entry.reviewId === reviewId);
  }

  /** Keep a decision that cannot be sent, for the reviewer to see. */
  refuse(entry: Entry, code: string, detail: string, winner: Verdict | null): void {
    const refusal = { entry, code, detail, winner };
    this.refusals.push(refusal);
    this.shelf.put(this.place("refused", entry.key), refusal);
    this.remove(entry.key);
    this.events.refused(refusal);
  }

  dismiss(key: string): void {
    this.refusals = this.refusals.filter((refusal) => refusal.entry.key !== key);
    this.shelf.drop(this.place("refused", key));
    this.events.changed();
  }

  /** Try at once, as when the network is back. */
  hurry(): void {
    this.wait = FIRST_WAIT;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    void this.send();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  /** Send what waits, unless a moment for it is set already. */
  async send(): Promise<void> {
    if (this.running || this.timer || this.stopped) return;
    this.running = true;
    try {
      for (let next = this.entries[0]; next && !this.stopped; next = this.entries[0]) {
        const later = await this.sendOne(next);
        if (later !== null) {
          this.later(later);
          break;
        }
      }
    } finally {
      this.running = false;
    }
  }

  /** Null when the entry is dealt with; else how long to wait, in milliseconds. */
  private async sendOne(entry: Entry): Promise<number | null> {
    let item: Review;
    if (!entry.begun) this.keep(Object.assign(entry, { begun: true }));
    try {
      item = await this.deliver(entry);
    } catch (error) {
      if (error instanceof Unreachable) {
        this.reached(false);
        return this.longer();
      }
      if (!(error instanceof Problem)) {
        this.refuse(entry, "page-fault", `The page failed: ${String(error)}`, null);
        return null;
      }
      this.reached(true);
      if (!isSignedOut(error)) entry.tries += 1;
      this.keep(entry);
      const fault = error.status >= 500;
      if (isSignedOut(error) || PASSING.has(error.status) || (fault && entry.tries < TRIES_OF_FAULTS))
        return error.retryAfter === null ? this.longer() : error.retryAfter * 1000;
      this.refuse(entry, error.code, error.message, error.winner);
      if (entry.op === "undo") this.refuseAfterUndo(entry.reviewId, error);
      return null;
    }
    this.reached(true);
    this.remove(entry.key);
    if (entry.op === "undo") this.giveToken(entry.reviewId, item.lease?.token ?? null);
    this.events.sent(entry, item);
    return null;
  }

  private async deliver(entry: Entry): Promise<Review> {
    if (entry.op === "undo") return this.transport.undo(entry.reviewId, entry.key);
    const body = {
      kind: entry.kind,
      ...(entry.kind === "correct" && entry.answer ? { answer: entry.answer } : {}),
      ...(entry.comment ? { comment: entry.comment } : {}),
      ...(entry.seconds === null ? {} : { seconds: entry.seconds }),
    };
    try {
      if (entry.token === null) throw new Problem(409, "lease-expired", "", "", null, null, null);
      return await this.transport.verdict(entry.reviewId, { token: entry.token, ...body });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === "already-reviewed" && this.isMine(entry, error.winner))
        return { id: entry.reviewId } as Review;
      if (error.code !== "lease-expired") throw error;
    }
    // Held too long while the network was away: if it is still free, it is taken once more.
    const again = await this.transport.takeOne(entry.reviewId);
    entry.token = again.lease?.token ?? null;
    this.keep(entry);
    if (entry.token === null)
      throw new Problem(409, "lease-expired", "It is no longer yours to decide.", "", null, null, null);
    return this.transport.verdict(entry.reviewId, { token: entry.token, ...body });
  }

  private isMine(entry: Entry, winner: Verdict | null): boolean {
    if (!winner || winner.reviewer !== this.reviewer || winner.kind !== entry.kind) return false;
    return entry.kind !== "correct" || sameAnswer(winner.answer, entry.answer);
  }

  private giveToken(reviewId: string, token: number | null): void {
    for (const entry of this.entries)
      if (entry.reviewId === reviewId && entry.token === null) this.keep(Object.assign(entry, { token }));
  }

  private refuseAfterUndo(reviewId: string, error: Problem): void {
    for (const entry of this.entries.filter((each) => each.reviewId === reviewId && each.token === null))
      this.refuse(entry, error.code, error.message, error.winner);
  }

  private later(milliseconds: number): void {
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.send();
    }, milliseconds);
    this.events.changed();
  }

  private longer(): number {
    const wait = this.wait;
    this.wait = Math.min(LONGEST_WAIT, wait * 2);
    return wait;
  }

  private reached(online: boolean): void {
    if (online) this.wait = FIRST_WAIT;
    if (online === this.online) return;
    this.online = online;
    this.events.changed();
  }

  private remove(key: string): void {
    this.entries = this.entries.filter((entry) => entry.key !== key);
    this.shelf.drop(this.place("outbox", key));
    this.events.changed();
  }

  private keep(entry: Entry): Entry {
    this.shelf.put(this.place("outbox", entry.key), entry);
    return entry;
  }

  private nextKey(): string {
    this.last = Math.max(Date.now(), this.last + 1);
    return `${String(this.last).padStart(15, "0")}-${this.session.slice(0, 8)}`;
  }

  private place(box: "outbox" | "refused", key = ""): string {
    return `llmlabel.${box}:${encodeURIComponent(this.reviewer)}:${key}`;
  }

  private stored<T>(box: "outbox" | "refused"): T[] {
    return this.shelf
      .keys(this.place(box))
      .map((key) => this.shelf.get<T>(key))
      .filter((each) => each !== null);
  }
}
