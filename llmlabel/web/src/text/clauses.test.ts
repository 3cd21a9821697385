import { expect, test } from "vitest";
import type { Review } from "../api/types";
import { doubtfulClauses } from "./clauses";

const clauses = [
  { id: "SENT-1", text: "Irony is `negative`, not `positive`." },
  { id: "SENT-4", text: "Two sides: `mixed`." },
  { id: "SENT-12", text: "Quotations are `neutral`." },
];

const item = (more: object): Review =>
  ({ reason: null, opinions: null, proposal: null, scores: null, guideline: { clauses }, ...more }) as never;

test("a clause that a labeler names is marked, one whose name only begins so is not", () => {
  const { named } = doubtfulClauses(item({ opinions: [{ detail: "See SENT-12." }], reason: "Also (SENT-4)" }));
  expect([...named]).toEqual(["SENT-4", "SENT-12"]);
});

test("a clause about both labels in doubt may settle it", () => {
  const scores = { neutral: 0.1, positive: 0.5, negative: 0.4 };
  expect([...doubtfulClauses(item({ scores })).between]).toEqual(["SENT-1"]);
});

test("a doubtful unit's next best label counts, a sure one's does not", () => {
  const unit = { label: "positive", alternative: "negative", note: null };
  const between = (probability: number): string[] => [
    ...doubtfulClauses(item({ proposal: { units: [{ ...unit, probability }] } })).between,
  ];
  expect([between(0.5), between(0.95)]).toEqual([["SENT-1"], []]);
});

test("where no clause is about both labels, the few about one of them are marked", () => {
  const { between, about } = doubtfulClauses(item({ scores: { mixed: 0.5, positive: 0.4 } }));
  expect([...between]).toEqual([]);
  expect([...about]).toEqual([
    ["SENT-4", "mixed"],
    ["SENT-1", "positive"],
  ]);
});

test("a label that many clauses are about gives no hint", () => {
  const many = [...clauses, ...[20, 21, 22].map((n) => ({ id: `SENT-${n}`, text: "It is `positive`." }))];
  const { about } = doubtfulClauses(item({ scores: { mixed: 0.5, positive: 0.4 }, guideline: { clauses: many } }));
  expect([...about.keys()]).toEqual(["SENT-4"]);
});

test("of a blind item nothing is told", () => {
  const { named, between, about } = doubtfulClauses(item({}));
  expect([named.size, between.size, about.size]).toEqual([0, 0, 0]);
});
