import { expect, it } from "vitest";
import type { Quality } from "../api/types";
import { byUrgency, isUsed, named, promised, type State } from "./states";

function quality(guideline: string, state: State = "threshold"): Quality {
  return {
    guideline,
    title: "A guideline",
    state,
    promise: null,
    threshold: 0.9,
    gate: { open: true, reason: "", closed_at: null },
    audit_rate: 0.05,
    certificate: null,
    last: null,
    audits: { accepted: 0, done: 0, pending: 0, estimate: null, low: 0, high: 1 },
    drift: [],
    counts: { accepted: 0, review: 0, waiting: 0, decisions: 0 },
  };
}

it("puts what needs somebody first", () => {
  const found = byUrgency([quality("a@1.0.0"), quality("b@1.0.0", "certified"), quality("c@1.0.0", "closed")]);
  expect(found.map(({ guideline }) => guideline)).toEqual(["c@1.0.0", "b@1.0.0", "a@1.0.0"]);
});

it("takes a bare name for the newest version, by number and not by letter", () => {
  const versions = [quality("a@1.9.0"), quality("a@1.10.0"), quality("ab@2.0.0")];
  expect(named(versions, "a")?.guideline).toBe("a@1.10.0");
  expect(named(versions, "a@1.9.0")?.guideline).toBe("a@1.9.0");
  expect(named(versions, "b")).toBeUndefined();
});

it("counts a guideline as used once anything is known of its labels", () => {
  const none = quality("a@1.0.0");
  expect(isUsed(none)).toBe(false);
  expect(isUsed({ ...none, counts: { ...none.counts, waiting: 1 } })).toBe(true);
});

it("says a promise as a sentence and as commands take it", () => {
  expect(promised({ kind: "accepted", error: 0.035, probability: 0.95 })).toEqual({
    sentence: "Of the labels accepted without a person, at most 3.5% are wrong, with probability 95%.",
    argument: "accepted:0.035:0.95",
  });
});
