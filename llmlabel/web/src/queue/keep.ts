import { Problem } from "../api/client";
import type { Verdict } from "../api/types";
import { answerInWords } from "../text/answers";
import { type Hand, type Held, renew } from "./hand";
import type { Entry } from "./outbox";
import type { Transport } from "./transport";

const SOONEST = 1_000;
const LATEST = 60_000;

/** How long to wait until leases are renewed: a third of what the shortest has left. */
export function renewIn(hand: Hand, now: number): number {
  const left = hand.items.filter(({ token }) => token !== null).map(({ expiresAt }) => expiresAt - now);
  return Math.min(LATEST, Math.max(SOONEST, Math.min(...left, 3 * LATEST) / 3));
}

/**
 * Renew the lease of every item in hand and of every decision that is still to be sent.
 *
 * Items behind the one on the screen that are lost just go. If the one on the screen is lost and
 * cannot be had again, it goes as well, and the words say why; else they are null.
 */
export async function keepAll(
  hand: Hand,
  unsent: readonly Entry[],
  transport: Transport,
): Promise<string | null> {
  const waiting = unsent.flatMap(({ op, reviewId, token }) =>
    op === "verdict" && token !== null ? [{ id: reviewId, token }] : [],
  );
  const leases = [...hand.leases(), ...waiting];
  if (!leases.length) return null;
  for (const renewed of await transport.renew(leases)) {
    const item = hand.find(renewed.id);
    const asked = leases.find(({ id }) => id === renewed.id);
    // Meanwhile it may have been decided, or taken under a new token.
    if (!item || item.token !== asked?.token) continue;
    if (renewed.expires_at !== null) item.expiresAt = Date.parse(renewed.expires_at);
    else if (item !== hand.current) hand.remove(renewed.id);
    else return regain(hand, item, renewed.detail, renewed.winner, transport);
  }
  return null;
}

async function regain(
  hand: Hand,
  item: Held,
  detail: string | null,
  winner: Verdict | null,
  transport: Transport,
): Promise<string | null> {
  let why = detail ?? "Your time for it has run out.";
  if (!winner) {
    try {
      renew(item, await transport.takeOne(item.item.id));
      return null;
    } catch (error) {
      if (!(error instanceof Problem)) return null;
      [why, winner] = [error.message, error.winner];
    }
  }
  hand.remove(item.item.id);
  return winner
    ? `${winner.reviewer} decided the item you were looking at: ${answerInWords(winner.answer)}.`
    : `The item you were looking at is no longer yours. ${why}`;
}
