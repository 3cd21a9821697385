import type { VNode } from "preact";
import type { Agreement } from "../api/types";
import { amount } from "../text/amounts";
import { Figure } from "./Figure";
import { plain, plainTicks, share, whole } from "./formats";
import { type Row, Rows } from "./plot/Rows";
import { ticks } from "./plot/scale";
import { Fact } from "./Standing";

const MOST_PAIRS = 8;
const NAMES = {
  krippendorff: "Krippendorff's alpha",
  fleiss: "Fleiss' kappa",
  span_f1: "Span F1",
  token_agreement: "Same token labels",
} as const;

/** How far people agree who decided the same documents without seeing each other's answers. */
export function Agreeing({ agreement, guideline }: { agreement: Agreement | null; guideline: string }): VNode {
  if (!agreement || agreement.panels === 0)
    return (
      <Figure
        title="Agreement of reviewers"
        numbers={{ columns: [], rows: [] }}
        empty={
          <p>
            No panel has decided yet. Give the policy of {guideline} <code>{"panel: {share: 0.1, reviewers: 2}"}</code>: one reviewed
            document in ten then goes to two people, neither of whom sees what the other said.
          </p>
        }
      />
    );
  const of = coefficients(agreement);
  const pairs = agreement.pairs.slice(0, MOST_PAIRS);
  const rows: Row[] = [
    ...of.map(([name, value]) => ({ name, said: plain(value), value })),
    ...pairs.map(({ reviewers, n, cohen }) => ({
      name: `Cohen: ${reviewers.join(" and ")}`,
      said: `${plain(cohen)} of ${whole(n)}`,
      value: cohen,
    })),
  ];
  const low = Math.min(0, ...rows.map(({ value }) => value ?? 0));
  const from = Math.max(-1, Math.floor(low * 5) / 5);
  const at = ticks(from, 1, 5);
  const reasons = Object.entries(agreement.reasons);
  return (
    <Figure
      title="Agreement of reviewers"
      of={`n = ${amount(agreement.panels, "document")} that several people decided; kappas and alpha count ${agreement.compared}`}
      numbers={{
        columns: ["measure", "first", "second", "documents", "value", "same answer"],
        rows: [
          ...of.map(([name, value]) => [name, null, null, agreement.panels, value, null]),
          ...agreement.pairs.map(({ reviewers, n, cohen, agreement: same }) => [
            "Cohen's kappa",
            reviewers[0],
            reviewers[1],
            n,
            cohen,
            same,
          ]),
        ],
      }}
    >
      <dl class="facts">
        <Fact name="Settled by agreement" value={`${whole(agreement.settled)} (${share(agreement.settled / agreement.panels)})`} />
        <Fact name="Adjudicated" value={whole(agreement.adjudicated)} />
        <Fact name="To adjudicate" value={whole(agreement.panels - agreement.settled - agreement.adjudicated)} />
      </dl>
      <Rows
        title="Agreement coefficients"
        words={rows.map(({ name, said }) => `${name} ${said}`).join("; ")}
        rows={rows}
        domain={[from, 1]}
        ticks={at}
        tickWords={plainTicks(at)}
        label="coefficient: 0 is chance, 1 is always the same"
        mark="dot"
        against={{ value: 0.8, words: "0.8 reliable", promised: false }}
      />
      {reasons.map(([name, why]) => (
        <p key={name} class="small soft">
          {NAMES[name as keyof typeof NAMES] ?? name}: {why}
        </p>
      ))}
      {agreement.pairs.length > pairs.length && (
        <p class="small soft">
          The {pairs.length} pairs with most documents in common; the numbers hold all {agreement.pairs.length}.
        </p>
      )}
    </Figure>
  );
}

function coefficients(agreement: Agreement): [string, number | null][] {
  const found: [string, number | null][] = [
    [NAMES.krippendorff, agreement.krippendorff],
    [NAMES.fleiss, agreement.fleiss],
  ];
  // Each of these is of one kind of answer only.
  if (agreement.span_f1 !== null) found.unshift([NAMES.span_f1, agreement.span_f1]);
  if (agreement.token_agreement !== null) found.unshift([NAMES.token_agreement, agreement.token_agreement]);
  return found;
}
