import type { ProblemBody, Verdict } from "./types";

/** Who reviews, and in which tab; every request says so. */
export interface Identity {
  reviewer: string;
  session: string;
  /** Of the browser session that the cookie names; null while the service has no keys. */
  csrf: string | null;
}

/** The service refused; `code` is stable, the message says what to do. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly title: string,
    readonly field: string | null,
    readonly winner: Verdict | null,
    readonly retryAfter: number | null,
  ) {
    super(detail);
  }
}

/** No answer came: the network or the service is away. */
export class Unreachable extends Error {
  constructor() {
    super("The service cannot be reached.");
  }
}

export interface Asked {
  body?: unknown;
  query?: Record<string, string | number | boolean | null | undefined>;
  /** Goes on after the page is left. */
  keepalive?: boolean;
  /** The same key sent again gives the same answer and does nothing twice. */
  idempotencyKey?: string;
  timeoutSeconds?: number;
  headers?: Record<string, string>;
  /** It is about who is signed in: whoever is not, is told so by the answer alone. */
  aboutSession?: boolean;
}

const TYPE_PREFIX = "urn:llmlabel:problem:";
const ASCII_WORD = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

let identity: Identity | null = null;
let serverAhead = 0;
let signedOut: (() => void) | null = null;

/** The one place where the page says who it speaks for. */
export function identify(who: Identity): void {
  identity = who;
}

/** Speak for somebody no more, unless the page speaks for another one by now. */
export function forget(who: Identity | null): void {
  if (identity === who) identity = null;
}

/** Have somebody told whenever the service no longer takes the page for who it speaks for. */
export function whenSignedOut(listener: (() => void) | null): void {
  signedOut = listener;
}

/** Whether an error passes as soon as the same person is signed in again. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof Problem && (error.status === 401 || error.code === "wrong-csrf-token");
}

/** Milliseconds since the epoch by the server's clock, for lease times. */
export function serverNow(): number {
  return Date.now() + serverAhead;
}

/** Ask the service as the reviewer of this tab; for what is not JSON (sound, files). */
export async function ask(method: string, path: string, asked: Asked = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...asked.headers };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked.query ?? {}))
    if (value !== null && value !== undefined) query.set(name, String(value));
  if (identity) {
    headers["X-Session"] = identity.session;
    // With a key the name is the key's. A header carries ASCII only; other names go into the address.
    if (identity.csrf !== null) headers["X-CSRF-Token"] = identity.csrf;
    else if (ASCII_WORD.test(identity.reviewer)) headers["X-Reviewer"] = identity.reviewer;
    else query.set("reviewer", identity.reviewer);
  }
  if (asked.body !== undefined) headers["Content-Type"] = "application/json";
  if (asked.idempotencyKey) headers["Idempotency-Key"] = asked.idempotencyKey;
  const search = query.size ? `?${query}` : "";
  let response: Response;
  try {
    response = await fetch(path + search, {
      method,
      headers,
      body: asked.body === undefined ? undefined : JSON.stringify(asked.body),
      keepalive: asked.keepalive ?? false,
      cache: "no-store",
      signal: asked.keepalive ? undefined : AbortSignal.timeout((asked.timeoutSeconds ?? 30) * 1000),
    });
  } catch {
    throw new Unreachable();
  }
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(date)) serverAhead = date - Date.now();
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (!asked.aboutSession && isSignedOut(problem)) signedOut?.();
  throw problem;
}

/** Ask the service and read its JSON; an answer without a body is null. */
export async function call<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
  const response = await ask(method, path, asked);
  if (response.status === 204) return null as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new Unreachable();
  }
}

export const get = <T>(path: string, query?: Asked["query"]): Promise<T> =>
  call<T>("GET", path, query ? { query } : {});

export const post = <T>(path: string, body?: unknown): Promise<T> =>
  call<T>("POST", path, body === undefined ? {} : { body });

async function problemOf(response: Response): Promise<Problem | Unreachable> {
  let body: Partial<ProblemBody>;
  try {
    body = await response.json();
  } catch {
    // A proxy in front of a service that is away answers in words of its own.
    if (response.status >= 502 && response.status <= 504) return new Unreachable();
    body = {};
  }
  const retry = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return new Problem(
    response.status,
    (body.type ?? "").replace(TYPE_PREFIX, ""),
    body.detail ?? `The service answered ${response.status} ${response.statusText}.`,
    body.title ?? "Refused",
    body.errors?.[0]?.field ?? null,
    body.winner ?? null,
    Number.isNaN(retry) ? null : retry,
  );
}

/** What went wrong, in words for the reviewer. */
export function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
