import { call, post, serverNow } from "../api/client";
import type { Answer, Renewed, Review, Taken, VerdictKind } from "../api/types";

/** Which items are wanted. */
export interface Filter {
  guideline: string | null;
  queue: "review" | "adjudication";
  kind: string | null;
  language: string | null;
  order: "priority" | "oldest" | null;
}

export interface LeaseRef {
  id: string;
  token: number;
}

export interface VerdictBody {
  token: number;
  kind: VerdictKind;
  answer?: Answer;
  comment?: string;
  seconds?: number;
}

/** What the queue needs of the service. */
export interface Transport {
  take(count: number, where: Filter): Promise<Taken>;
  takeOne(id: string): Promise<Review>;
  verdict(id: string, body: VerdictBody): Promise<Review>;
  undo(id: string, idempotencyKey: string): Promise<Review>;
  undoLast(): Promise<Review>;
  renew(leases: LeaseRef[]): Promise<Renewed[]>;
  /** With `leaving`, the request goes on after the page is gone. */
  release(leases: LeaseRef[], leaving?: boolean): Promise<void>;
  /** The server's time, in milliseconds. */
  now(): number;
}

const at = (id: string, what: string): string => `/v1/reviews/${encodeURIComponent(id)}/${what}`;

export const http: Transport = {
  take: (count, where) => {
    const given = Object.fromEntries(Object.entries(where).filter(([, value]) => value !== null));
    return post("/v1/reviews/take", { count, ...given });
  },
  takeOne: (id) => post(at(id, "take")),
  verdict: (id, body) => post(at(id, "verdict"), body),
  undo: (id, idempotencyKey) => call("POST", at(id, "undo"), { idempotencyKey }),
  undoLast: () => post("/v1/reviews/undo"),
  renew: async (leases) =>
    (await post<{ leases: Renewed[] }>("/v1/reviews/renew", { leases })).leases,
  release: (leases, leaving = false) =>
    call("POST", "/v1/reviews/release", { body: { leases }, keepalive: leaving }),
  now: serverNow,
};
