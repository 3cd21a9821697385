import { inWords, Problem, Unreachable } from "../api/client";
import type { Answer, Review, Taken } from "../api/types";
import type { Decision } from "../tasks/task";
import { sameAnswer, shortened } from "../text/answers";
import { Hand, type Held, held, proposed, renew } from "./hand";
import { keepAll, renewIn } from "./keep";
import { Noted } from "./noted";
import { type Entry, Outbox, type Refusal } from "./outbox";
import type { Shelf } from "./shelf";
import type { Notice, Snapshot } from "./snapshot";
import { Stopwatch } from "./stopwatch";
import type { Filter, LeaseRef, Transport } from "./transport";

export interface Parts {
  transport: Transport;
  /** Outlives the page. */
  shelf: Shelf;
  /** Outlives a reload of this tab only. */
  tab: Shelf;
  reviewer: string;
  session: string;
  visible: boolean;
  isAlive?: (session: string) => boolean;
}

const FULL = 10;
const LOW = 5;
const MOST_AT_ONCE = 20;
const PAUSE_AFTER_NOTHING = 3_000;
const LEFT = "llmlabel.left";
const DRAFT = "llmlabel.draft:";

/**
 * What stands behind the review page: items fetched ahead, decisions sent behind.
 *
 * A decision puts the next item on the screen at once; the service hears of it through the
 * outbox. Nothing here waits for the network before the screen changes.
 */
export class Engine {
  readonly outbox: Outbox;
  readonly hand = new Hand();
  readonly watch: Stopwatch;
  private readonly noted: Noted;
  private readonly listeners = new Set<() => void>();
  private readonly done: { key: string; kind: Decision["kind"]; held: Held }[] = [];
  private phase: Snapshot["phase"] = "resting";
  private where: Filter | null = null;
  private waiting: Taken["waiting"] | null = null;
  private error: string | null = null;
  private notice: Notice | null = null;
  private decided = 0;
  private taking: Promise<void> | null = null;
  private nothingUntil = 0;
  private wanted: Refusal | null = null;
  private readonly skips = new Set<string>();
  private passed = 0;
  private snapshot_: Snapshot | null = null;
  /** The sessions that had a page when it was last looked. */
  private living: ReadonlySet<string> | null = null;

  constructor(private readonly parts: Parts) {
    this.watch = new Stopwatch(() => performance.now(), parts.visible);
    this.noted = new Noted(parts.shelf, parts.reviewer, parts.session);
    this.outbox = new Outbox(parts.shelf, parts.transport, parts.reviewer, parts.session, {
      changed: () => this.changed(),
      sent: (entry, item) => this.sent(entry, item),
      refused: (refusal) => this.refused(refusal),
    });
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  snapshot(): Snapshot {
    return (this.snapshot_ ??= {
      phase: this.hand.current ? "deciding" : this.phase,
      current: this.hand.current,
      ahead: this.hand.items.slice(1).map(({ item }) => item),
      waiting: this.waiting,
      error: this.error,
      online: this.outbox.online,
      unsent: this.outbox.entries.length,
      delayed: this.outbox.delayed,
      lasting: this.outbox.lasting,
      refusals: this.outbox.refusals,
      decided: this.decided,
      skipped: this.passed,
      notice: this.notice,
    });
  }

  /** Send what an earlier page left unsent; nothing is taken yet. */
  start(): void {
    this.outbox.adopt(this.parts.isAlive);
    this.outbox.hurry();
  }

  /**
   * Send what pages that are gone since left unsent, and give back what they held.
   *
   * A page that is just loaded again is missing for a moment: gone is what was missing twice.
   *
   * @param living The sessions that have a page now.
   */
  async inherit(living: ReadonlySet<string>): Promise<void> {
    const before = this.living;
    this.living = living;
    if (!before) return;
    const isAlive = (session: string): boolean => living.has(session) || before.has(session);
    this.outbox.adopt(isAlive);
    void this.outbox.send();
    for (const [session, leases] of this.noted.left(isAlive)) {
      // What is decided keeps its lease until the service has heard of it.
      const undecided = leases.filter(({ id }) => !this.outbox.holds(id));
      try {
        if (undecided.length) await this.parts.transport.release(undecided);
      } catch (error) {
        if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
        return; // the next time
      }
      this.noted.forget(session);
    }
  }

  /** Take items of one queue; those of another are given back first. Null: of none. */
  async open(where: Filter | null): Promise<void> {
    if (where && JSON.stringify(where) === JSON.stringify(this.where)) return;
    this.where = where;
    this.phase = where ? "loading" : "resting";
    const leases = this.hand.leases();
    this.hand.items = [];
    this.error = null;
    this.changed();
    await this.taking;
    await this.giveBack([...leases, ...(this.parts.tab.get<LeaseRef[]>(LEFT) ?? [])]);
    this.parts.tab.drop(LEFT);
    if (this.where !== where) return;
    await this.refill(true);
    if (where && this.wanted) await this.reopen(this.wanted);
  }

  /** Another reviewer takes over this tab: what is unsent waits until this one is back. */
  async stop(): Promise<void> {
    this.outbox.stop();
    await this.open(null);
  }

  /** The page goes away, perhaps for a reload: what was begun stays, the rest is given back. */
  leave(): void {
    const begun = this.hand.current?.touched ? this.hand.current : null;
    const leases = this.hand.leases().filter(({ id }) => id !== begun?.item.id);
    this.noted.put(this.hand.leases().filter(({ id }) => id === begun?.item.id));
    if (!leases.length) return;
    this.parts.tab.put(LEFT, leases);
    void this.parts.transport.release(leases, true).catch(() => undefined);
  }

  /** The page came back from where browsers keep pages that were left. */
  async comeBack(): Promise<void> {
    // What was begun is still held by this tab: it comes first again, with its draft.
    const where = this.where;
    this.where = null;
    this.hand.items = [];
    this.outbox.hurry();
    await this.open(where);
  }

  /** What the reviewer made of the answer; `begun` is what there is of one that is not whole. */
  setDraft(draft: Answer | null, begun: Answer | null = null): void {
    const current = this.hand.current;
    if (!current) return;
    current.draft = draft;
    current.begun = draft ? null : begun;
    current.touched = current.begun !== null || !sameAnswer(draft, proposed(current.item));
    if (current.touched) this.parts.tab.put(DRAFT + current.item.id, { draft, begun: current.begun });
    else this.parts.tab.drop(DRAFT + current.item.id);
    this.changed();
  }

  decide(decision: Decision): void {
    const current = this.hand.finish();
    if (!current) return;
    const { item } = current;
    const entry = this.outbox.add({
      op: "verdict",
      reviewId: item.id,
      token: current.token,
      kind: decision.kind,
      answer: decision.answer ?? (decision.kind === "confirm" ? (item.proposal?.answer ?? null) : null),
      comment: decision.comment ?? null,
      seconds: this.watch.seconds(),
      guideline: item.guideline.ref,
      words: shortened(item.document.text ?? item.document.recording?.file_name ?? item.id, 120),
    });
    this.parts.tab.drop(DRAFT + item.id);
    this.done.push({ key: entry.key, kind: decision.kind, held: { ...current, draft: entry.answer ?? current.draft } });
    if (this.done.length > 200) this.done.shift();
    this.count(decision.kind, 1);
    if (decision.kind === "skip") this.skips.add(item.id);
    this.notice = null;
    if (!this.hand.current) this.phase = "loading";
    this.shown();
    void this.refill();
  }

  /** Take the last decision back; the item is on the screen again at once if it is known. */
  async undo(): Promise<void> {
    const last = this.done.pop();
    if (!last) return this.undoUnknown();
    const entry = this.outbox.entries.find(({ key }) => key === last.key);
    const back: Held = { ...last.held, touched: last.held.item.proposal === null };
    if (!entry || !this.outbox.withdraw(last.key)) {
      back.token = null;
      this.outbox.add({
        op: "undo",
        reviewId: back.item.id,
        token: null,
        kind: last.kind,
        answer: null,
        comment: null,
        seconds: null,
        guideline: back.item.guideline.ref,
        words: shortened(back.item.document.text ?? back.item.id, 120),
      });
    }
    this.count(last.kind, -1);
    this.skips.delete(back.item.id);
    this.hand.putFirst(back);
    this.say("Taken back. It is yours to decide again.");
    this.shown();
  }

  /** Have the skipped items again, which the service offers last. */
  async takeSkipped(): Promise<void> {
    this.skips.clear();
    this.phase = "loading";
    this.changed();
    await this.refill(true);
  }

  /** Decide something refused once more, if the service still lets this reviewer have it. */
  async reopen(refusal: Refusal): Promise<void> {
    this.wanted = this.where ? null : refusal;
    if (this.wanted) return; // as soon as a queue is open
    try {
      const item = await this.parts.transport.takeOne(refusal.entry.reviewId);
      this.hand.putFirst(held(item, refusal.entry.answer));
      this.outbox.dismiss(refusal.entry.key);
      this.shown();
    } catch (error) {
      this.say(inWords(error), "warn");
    }
  }

  /** Renew the leases, and say when the next time is due, in milliseconds. */
  async keep(): Promise<number> {
    try {
      const lost = await keepAll(this.hand, this.outbox.entries, this.parts.transport);
      if (lost) {
        this.say(lost, "warn");
        this.shown();
      }
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
    }
    void this.refill();
    return this.keepIn();
  }

  keepIn(): number {
    return renewIn(this.hand, this.parts.transport.now());
  }

  /** Fetch items while few are in hand. */
  async refill(now = false): Promise<void> {
    if (this.taking || !this.where || this.hand.items.length >= LOW) return;
    if (!now && this.hand.items.length > 0 && performance.now() < this.nothingUntil) return;
    this.taking = this.fetchMore(this.where);
    try {
      await this.taking;
    } finally {
      this.taking = null;
    }
  }

  private async fetchMore(where: Filter): Promise<void> {
    // The service first gives what this tab holds already: that counts towards the number.
    const busy = new Set(this.outbox.entries.map(({ reviewId }) => reviewId));
    const count = Math.min(MOST_AT_ONCE, FULL + busy.size);
    const before = this.hand.current;
    try {
      const { reviews, waiting } = await this.parts.transport.take(count, where);
      const unwanted = ({ id }: Review): boolean => this.where !== where || this.skips.has(id);
      const back = reviews.filter((each) => unwanted(each) && !this.outbox.holds(each.id));
      await this.giveBack(back.flatMap(({ id, lease }) => (lease ? [{ id, token: lease.token }] : [])));
      if (this.where !== where) return;
      this.passed = back.length;
      const wanted = reviews.filter((each) => !unwanted(each));
      const added = this.hand.add(wanted, (id) => this.outbox.holds(id));
      if (!added) this.nothingUntil = performance.now() + PAUSE_AFTER_NOTHING;
      this.waiting = waiting;
      this.error = null;
      // All that came may be on its way back as decisions: then there may be more behind it.
      this.phase = reviews.length < count ? "empty" : "loading";
      for (const each of this.hand.items) this.restoreDraft(each);
    } catch (error) {
      this.error = inWords(error);
      if (this.phase === "loading" || error instanceof Problem) this.phase = "failed";
    }
    if (before !== this.hand.current) this.shown();
    else this.changed();
  }

  private async giveBack(leases: LeaseRef[]): Promise<void> {
    if (leases.length) await this.parts.transport.release(leases).catch(() => undefined);
  }

  say(words: string, tone: Notice["tone"] = "plain"): void {
    this.notice = { id: (this.notice?.id ?? 0) + 1, tone, words };
    this.changed();
  }

  private async undoUnknown(): Promise<void> {
    try {
      const item = await this.parts.transport.undoLast();
      this.hand.putFirst(held(item));
      this.say("Taken back. It is yours to decide again.");
      this.shown();
    } catch (error) {
      const nothing = error instanceof Problem && error.status === 404;
      this.say(nothing ? "There is nothing to take back." : inWords(error), "warn");
    }
  }

  private restoreDraft(each: Held): void {
    const kept = each.touched ? null : this.parts.tab.get<Pick<Held, "draft" | "begun">>(DRAFT + each.item.id);
    const kind = (kept?.draft ?? kept?.begun)?.kind;
    if (kept && kind === each.item.guideline.kind) Object.assign(each, { ...kept, touched: true });
  }

  private sent(entry: Entry, item: Review): void {
    if (entry.op !== "undo") {
      this.hand.settle(entry.reviewId, entry.token);
      return void this.refill();
    }
    const back = this.hand.find(entry.reviewId);
    if (back?.token === null) renew(back, item);
    this.changed();
  }

  private refused({ entry, detail }: Refusal): void {
    if (entry.op !== "undo") {
      // There is nothing of it to take back.
      const at = this.done.findIndex(({ key }) => key === entry.key);
      if (at >= 0) this.done.splice(at, 1);
      this.count(entry.kind, -1);
      return;
    }
    this.outbox.dismiss(entry.key);
    this.count(entry.kind, 1);
    this.say(`That decision stands. ${detail}`, "warn");
    if (this.hand.find(entry.reviewId)?.token !== null) return;
    this.hand.remove(entry.reviewId);
    this.shown();
  }

  /** A skip decides nothing. */
  private count(kind: Decision["kind"], by: number): void {
    if (kind !== "skip") this.decided = Math.max(0, this.decided + by);
  }

  private shown(): void {
    this.watch.restart();
    this.changed();
  }

  private changed(): void {
    this.snapshot_ = null;
    this.noted.put(this.hand.leases());
    for (const listener of this.listeners) listener();
  }
}
