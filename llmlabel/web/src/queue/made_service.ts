// A service in memory with the rules of the real one, and a network that can fail. For tests.

import { Problem, Unreachable } from "../api/client";
import type { Renewed, Review, Taken, Verdict, VerdictKind } from "../api/types";
import type { LeaseRef, Transport, VerdictBody } from "./transport";

interface Row {
  id: string;
  token: number;
  by: string | null;
  expiresAt: number;
  verdicts: { reviewer: string; kind: VerdictKind; token: number; label: string | null }[];
  open: boolean;
}

/** What happens to a request: it never arrives, or its answer never does. */
export type Fault = "none" | "lost-request" | "lost-answer" | "fault";

export class MadeService {
  readonly rows = new Map<string, Row>();
  readonly heard: string[] = [];
  time = 1_000_000;
  lease = 300_000;
  /** Asked of every request before it is carried out. */
  fault: (what: string) => Fault = () => "none";
  private readonly replayed = new Map<string, Review>();

  constructor(count: number) {
    for (let n = 0; n < count; n++) {
      const id = `r${String(n).padStart(3, "0")}`;
      this.rows.set(id, { id, token: 0, by: null, expiresAt: 0, verdicts: [], open: true });
    }
  }

  row(id: string): Row {
    const row = this.rows.get(id);
    if (!row) throw new Error(`no row ${id}`);
    return row;
  }

  /** The verdict that stands. */
  winner(id: string): string | null {
    const last = this.row(id).verdicts.at(-1);
    return this.row(id).open || !last ? null : `${last.reviewer} ${last.kind} ${last.label ?? ""}`.trim();
  }

  as(reviewer: string): Transport {
    const through = async <T>(what: string, carry: () => T): Promise<T> => {
      await Promise.resolve();
      const fault = this.fault(what);
      if (fault === "lost-request") throw new Unreachable();
      if (fault === "fault") throw new Problem(500, "internal-error", "A fault.", "", null, null, null);
      const answer = carry();
      this.heard.push(what);
      if (fault === "lost-answer") throw new Unreachable();
      return answer;
    };
    return {
      take: (count) => through("take", () => this.take(reviewer, count)),
      takeOne: (id) => through(`take ${id}`, () => this.takeOne(reviewer, id)),
      verdict: (id, body) => through(`${body.kind} ${id}`, () => this.verdict(reviewer, id, body)),
      undo: (id, key) =>
        through(`undo ${id}`, () => {
          const answer = this.replayed.get(key) ?? this.undo(reviewer, id);
          this.replayed.set(key, answer);
          return answer;
        }),
      undoLast: () => through("undo", () => this.undoLast(reviewer)),
      renew: (leases) => through("renew", () => leases.map((lease) => this.renew(reviewer, lease))),
      release: (leases) => through("release", () => this.release(reviewer, leases)),
      now: () => this.time,
    };
  }

  private live(row: Row): boolean {
    return row.by !== null && row.expiresAt > this.time;
  }

  private give(row: Row, reviewer: string): Review {
    row.token += 1;
    row.by = reviewer;
    row.expiresAt = this.time + this.lease;
    return this.out(row);
  }

  private take(reviewer: string, count: number): Taken {
    const all = [...this.rows.values()].filter((row) => row.open);
    const held = all.filter((row) => this.live(row) && row.by === reviewer);
    const free = all.filter((row) => !this.live(row));
    const reviews = held.slice(0, count).map((row) => this.out(row));
    for (const row of free.slice(0, count - reviews.length)) reviews.push(this.give(row, reviewer));
    return { reviews, waiting: { open: all.length, leased: all.length - free.length } };
  }

  private takeOne(reviewer: string, id: string): Review {
    const row = this.row(id);
    if (!row.open) throw this.decided(row);
    if (this.live(row) && row.by !== reviewer)
      throw new Problem(409, "conflict", `${row.by} holds it.`, "", null, null, null);
    return this.give(row, reviewer);
  }

  private verdict(reviewer: string, id: string, body: VerdictBody): Review {
    const row = this.row(id);
    const label = body.answer?.kind === "choice" ? body.answer.label : null;
    const last = row.verdicts.at(-1);
    const again = last && last.reviewer === reviewer && last.token === body.token && last.kind === body.kind;
    if (!row.open && again && last.label === label) return this.out(row);
    if (!row.open) throw this.decided(row);
    if (!this.live(row) || row.by !== reviewer || row.token !== body.token)
      throw new Problem(409, "lease-expired", "The lease ended.", "", null, null, null);
    if (label === "forbidden") throw new Problem(422, "invalid-input", "No such label.", "", "answer", null, null);
    row.verdicts.push({ reviewer, kind: body.kind, token: body.token, label });
    row.open = body.kind === "skip";
    row.by = null;
    return this.out(row);
  }

  private undo(reviewer: string, id: string): Review {
    const row = this.row(id);
    const last = row.verdicts.at(-1);
    if (row.open || last?.reviewer !== reviewer)
      throw new Problem(409, "conflict", "An adjudicator looks at it.", "", null, null, null);
    row.verdicts.pop();
    row.open = true;
    return this.give(row, reviewer);
  }

  private undoLast(reviewer: string): Review {
    const mine = [...this.rows.values()].filter((row) => !row.open && row.verdicts.at(-1)?.reviewer === reviewer);
    const last = mine.at(-1);
    if (!last) throw new Problem(404, "not-found", "Nothing.", "", null, null, null);
    return this.undo(reviewer, last.id);
  }

  private renew(reviewer: string, { id, token }: LeaseRef): Renewed {
    const row = this.row(id);
    const mine = row.open && row.by === reviewer && row.token === token && this.live(row);
    if (mine) row.expiresAt = this.time + this.lease;
    const winner = row.open ? null : this.decided(row).winner;
    return mine
      ? { id, expires_at: new Date(row.expiresAt).toISOString(), code: null, detail: null, winner: null }
      : { id, expires_at: null, code: "lease-expired", detail: "The lease ended.", winner };
  }

  private release(reviewer: string, leases: LeaseRef[]): void {
    for (const { id, token } of leases) {
      const row = this.row(id);
      if (row.by === reviewer && row.token === token) row.by = null;
    }
  }

  private decided(row: Row): Problem {
    const last = row.verdicts.at(-1);
    const winner: Verdict = {
      review_id: row.id,
      reviewer: last?.reviewer ?? "?",
      kind: last?.kind ?? "confirm",
      answer: last?.label ? { kind: "choice", label: last.label } : null,
      comment: null,
      seconds: null,
      created_at: "",
    };
    return new Problem(409, "already-reviewed", "Decided before.", "", null, winner, null);
  }

  private out(row: Row): Review {
    const lease = {
      review_id: row.id,
      reviewer: row.by ?? "",
      token: row.token,
      expires_at: new Date(row.expiresAt).toISOString(),
    };
    return {
      id: row.id,
      status: row.open ? "open" : "done",
      blind: false,
      queue: "review",
      kind: "doubt",
      reason: "",
      document: { id: `d-${row.id}`, text: `text of ${row.id}`, language: null, metadata: {}, recording: null, transcript: null },
      proposal: { answer: { kind: "choice", label: "good" }, confidence: null, reason: "", units: [] },
      scores: null,
      opinions: [],
      answers: null,
      tokens: null,
      guideline: { ref: "mood@1.0.0", kind: "choice", title: "Mood", question: "?", labels: [], clauses: [], body: "" },
      lease: this.live(row) ? lease : null,
      verdict: null,
      created_at: "",
    };
  }
}
