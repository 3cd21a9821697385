import type { ComponentChildren, VNode } from "preact";
import type { Certificate, Quality } from "../api/types";
import { amount } from "../text/amounts";
import { Command, Figure } from "./Figure";
import { dateTime, percentTicks, plain, share, whole } from "./formats";
import { Rows } from "./plot/Rows";
import { ceiling, ticks } from "./plot/scale";
import { promised, STATE } from "./states";
import { StateChip } from "./Overview";

/** What is promised, what proves it, and what to do now. */
export function Standing({ quality, flags }: { quality: Quality; flags: number | null }): VNode {
  const { state, promise, gate, counts, guideline } = quality;
  const routed = counts.accepted + counts.review;
  return (
    <section class="card standing" aria-labelledby="standing">
      <div class="row">
        <h2 id="standing">{guideline}</h2>
        <StateChip state={state} />
      </div>
      <p>{promise ? promised(promise).sentence : STATE[state].words}</p>
      {promise && <p class="soft">{STATE[state].words}</p>}
      {gate.reason && <p class={gate.open ? "notice notice-warn" : "notice notice-bad"}>{gate.reason}</p>}
      <dl class="facts">
        <Fact name="Documents labeled" value={whole(routed)} />
        <Fact name="Accepted unseen" value={routed ? `${share(counts.accepted / routed)}` : "–"} />
        <Fact name="Accepted from" value={quality.threshold === null ? "nothing is" : plain(quality.threshold, 4)} />
        <Fact name="Drawn for audits" value={share(quality.audit_rate)} />
        <Fact name="Decided by people" value={whole(counts.decisions)} />
        {flags !== null && <Fact name="Open flags" value={whole(flags)} />}
      </dl>
      <ToDo quality={quality} />
    </section>
  );
}

function ToDo({ quality: { state, promise, guideline } }: { quality: Quality }): VNode | null {
  if (state === "certified") return null;
  const argument = promise ? promised(promise).argument : "delivered:0.05:0.95";
  const words = {
    closed: "To open the gate again, certify on gold from after it closed:",
    unproved: "To prove the promise, import right answers of a random sample and certify:",
    threshold: "To promise something, see how much gold it takes, import it and certify:",
  }[state];
  return (
    <div class="todo small">
      <p>{words}</p>
      {state !== "closed" && <Command line={`llmlabel gold needed --promise ${argument}`} />}
      <Command line={`llmlabel gold import FILE -g ${guideline}`} />
      <Command line={`llmlabel certify ${guideline}${promise ? "" : ` --promise ${argument}`}`} />
    </div>
  );
}

/** The live estimate of audits and what the gold proved, against what is promised. */
export function Audits({ quality }: { quality: Quality }): VNode {
  const { audits, promise, certificate } = quality;
  const rows = [
    {
      name: "Audits until now",
      said: `${share(audits.estimate)} (${share(audits.low)} to ${share(audits.high)})`,
      value: audits.estimate,
      low: audits.low,
      high: audits.high,
      tone: promise && audits.low >= promise.error ? ("bad" as const) : ("plain" as const),
    },
  ];
  if (certificate?.observed_risk !== null && certificate?.observed_risk !== undefined)
    rows.push({
      name: "Certificate",
      said: `${share(certificate.observed_risk)}, at most ${share(certificate.bound)}`,
      value: certificate.observed_risk,
      low: certificate.observed_risk,
      high: certificate.bound ?? 1,
      tone: "plain",
    });
  const most = Math.max(...rows.map(({ value, high }) => Math.max(value ?? 0, high ?? 0)), 1.5 * (promise?.error ?? 0));
  const end = Math.min(1, ceiling(most, 4));
  const at = ticks(0, end, 5);
  const what = promise?.kind === "delivered" ? "labels delivered" : "labels accepted unseen";
  const title = promise ? "Live audits against the promise" : "Live audits";
  const empty = audits.done === 0 && !certificate;
  return (
    <Figure
      title={title}
      of={`n = ${amount(audits.done, "audit")} of ${amount(audits.accepted, "accepted answer")}, ${whole(audits.pending)} pending`}
      numbers={{
        columns: ["of", "n", "wrong", "low", "high", "promised"],
        rows: [
          ["audits", audits.done, audits.estimate, audits.low, audits.high, promise?.error ?? null],
          ...(certificate
            ? [["certificate", certificate.n, certificate.observed_risk, null, certificate.bound, promise?.error ?? null]]
            : []),
        ],
      }}
      empty={
        empty && (
          <p>
            No audit was decided yet. {share(quality.audit_rate)} of all documents are drawn by chance; those whose answer was
            accepted come to reviewers <em>blind</em>, and their verdicts make this estimate.
            {audits.pending > 0 && ` ${amount(audits.pending, "audit")} wait for a reviewer.`}
          </p>
        )
      }
    >
      <Rows
        title={title}
        words={inWords(quality)}
        rows={rows}
        domain={[0, end]}
        ticks={at}
        tickWords={percentTicks(at)}
        label={`wrong, share of ${what}`}
        mark="dot"
        against={promise && { value: promise.error, words: `promised ${share(promise.error)}`, promised: true }}
      />
      <p class="small soft">
        The interval of the audits holds at all times together.
        {promise && " When its lower end reaches the promise, the gate closes."}
      </p>
    </Figure>
  );
}

/** What was proved, and under which assumptions. */
export function Proof({ quality }: { quality: Quality }): VNode {
  const { certificate, last, promise, guideline } = quality;
  const shown = certificate ?? last;
  if (!shown)
    return (
      <Figure
        title="Certificate"
        numbers={{ columns: [], rows: [] }}
        empty={
          <>
            <p>Nothing was certified yet. A certificate proves a promise on gold that nothing was learned from.</p>
            <Command line={`llmlabel certify ${guideline}${promise ? "" : " --promise delivered:0.05:0.95"}`} />
          </>
        }
      />
    );
  const facts = factsOf(shown);
  return (
    <Figure
      title={certificate ? "Certificate" : `Last certificate: ${shown.status}`}
      of={`n = ${amount(shown.n, "gold label")}, made on ${dateTime(shown.created_at)}`}
      numbers={{ columns: ["fact", "value"], rows: [["id", shown.id], ["status", shown.status], ...facts.map(([name, , raw]) => [name, raw])] }}
    >
      {shown.reason && <p class="small reason">{shown.reason}</p>}
      <dl class="facts">
        {facts.map(([name, value]) => (
          <Fact key={name} name={name} value={value} />
        ))}
      </dl>
      {shown.assumptions.length > 0 && (
        <details class="small">
          <summary>It holds under {amount(shown.assumptions.length, "assumption")}</summary>
          <ul class="assumptions">
            {shown.assumptions.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </details>
      )}
      <p class="small soft">
        <code>{shown.id}</code>
      </p>
    </Figure>
  );
}

function factsOf(made: Certificate): [string, string, number | null][] {
  const facts: [string, string, number | null][] = [
    ["Accepts from", made.threshold === null ? "nothing" : plain(made.threshold, 4), made.threshold],
    ["Risk of the gold", share(made.observed_risk), made.observed_risk],
    ["Upper bound", share(made.bound), made.bound],
    ["Expected to be accepted", share(made.coverage), made.coverage],
    ["People must see", share(made.floor), made.floor],
    ["Attempt", whole(made.attempt), made.attempt],
  ];
  if (made.reviewer_error !== null)
    facts.push(["Hidden by reviewers' mistakes", `≤ ${share(made.reviewer_error)}`, made.reviewer_error]);
  if (made.further_gold !== null)
    facts.push(["More gold for more accepted", whole(made.further_gold), made.further_gold]);
  return facts;
}

export function Fact({ name, value }: { name: string; value: ComponentChildren }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="number">{value}</dd>
    </div>
  );
}

function inWords({ audits, promise, certificate }: Quality): string {
  const found =
    audits.estimate === null
      ? "No audit was decided yet."
      : `${audits.done} audits: ${share(audits.estimate)} wrong, between ${share(audits.low)} and ${share(audits.high)}.`;
  const proved = certificate?.bound ? ` The certificate's gold shows at most ${share(certificate.bound)}.` : "";
  return `${found}${proved}${promise ? ` Promised: at most ${share(promise.error)}.` : ""}`;
}
