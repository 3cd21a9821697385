import type { VNode } from "preact";
import type { QualityDetail, Queue, Throughput } from "../api/types";
import { href } from "../router";
import { amount, duration } from "../text/amounts";
import { Figure } from "./Figure";
import { ago, percentTicks, plainTicks, seconds, share, whole } from "./formats";
import { Rows } from "./plot/Rows";
import { ceiling, ticks } from "./plot/scale";
import { Fact } from "./Standing";

const KINDS: Record<Queue["kind"], string> = {
  doubt: "in doubt",
  forced: "every document",
  breach: "promise broken",
  relabel: "asked again",
  blind: "blind",
  adjudication: "to adjudicate",
};

const MOST_ROWS = 12;

/** What waits for people, how long already, and how long it takes. */
export function Waiting({ detail, guideline, now }: { detail: QualityDetail; guideline: string; now: number }): VNode {
  const queues = detail.waiting.filter(({ open }) => open > 0);
  const kinds = [...new Set(queues.map(({ kind }) => kind))].map((kind) => joined(queues.filter((each) => each.kind === kind)));
  const all = joined(queues);
  const end = ceiling(Math.max(1, ...kinds.map(({ open }) => open)), 4);
  const at = ticks(0, end, 4).filter(Number.isInteger);
  return (
    <Figure
      title="Queue"
      of={`${amount(all.open, "item")} open, ${whole(all.leased)} of them with a reviewer`}
      numbers={{
        columns: ["kind", "language", "open", "leased", "oldest", "median seconds", "seconds to clear"],
        rows: queues.map((each) => [
          KINDS[each.kind],
          each.language,
          each.open,
          each.leased,
          each.oldest_at,
          each.median_seconds,
          each.seconds_to_clear,
        ]),
      }}
      empty={
        queues.length === 0 && (
          <p>
            Nothing waits for a decision. Documents come here when their labels are in doubt, when they are drawn for an audit, and
            by <code>llmlabel reviews relabel {guideline}</code>.
          </p>
        )
      }
    >
      <dl class="facts">
        <Fact name="Open" value={whole(all.open)} />
        <Fact name="Oldest" value={all.oldest_at ? ago(all.oldest_at, now).replace(" ago", "") : "–"} />
        <Fact name="One reviewer clears it in" value={all.seconds_to_clear === null ? "not known yet" : duration(all.seconds_to_clear)} />
      </dl>
      <Rows
        title="Open items by kind"
        words={kinds.map(({ kind, open }) => `${KINDS[kind]}: ${open}`).join(", ")}
        rows={kinds.map((each) => ({
          name: KINDS[each.kind],
          said: `${whole(each.open)}${each.seconds_to_clear === null ? "" : `, ${duration(each.seconds_to_clear)} to clear`}`,
          value: each.open,
        }))}
        domain={[0, end]}
        ticks={at}
        tickWords={plainTicks(at)}
        label="open items"
        mark="bar"
      />
      <p class="small">
        <a href={href("review", guideline)}>Review them</a>
        {kinds.some(({ kind }) => kind === "adjudication") && (
          <>
            {" · "}
            <a href={href("adjudication", guideline)}>Adjudicate</a>
          </>
        )}
      </p>
    </Figure>
  );
}

/** How fast people decide. */
export function Speed({ detail }: { detail: QualityDetail }): VNode {
  const reviewers = busiest(detail.throughput);
  const decided = detail.throughput.reduce((sum, each) => sum + each.decided, 0);
  const end = ceiling(Math.max(1, ...reviewers.map(({ per_hour }) => per_hour ?? 0)), 4);
  const at = ticks(0, end, 4);
  return (
    <Figure
      title="Throughput by reviewer"
      of={`n = ${amount(decided, "decision")} of ${amount(detail.throughput.length, "reviewer")}`}
      numbers={{
        columns: ["reviewer", "decided", "items per hour", "median seconds", "hidden gold", "wrong", "error", "error at most"],
        rows: detail.throughput.map((each) => [
          each.reviewer,
          each.decided,
          each.per_hour,
          each.median_seconds,
          each.benchmarks,
          each.wrong,
          each.error,
          each.error_high,
        ]),
      }}
      empty={reviewers.length === 0 && <p>Nobody decided anything under this guideline yet.</p>}
    >
      <Rows
        title="Items per hour by reviewer"
        words={reviewers
          .map((each) => `${each.reviewer}: ${whole(Math.round(each.per_hour ?? 0))} items per hour, median ${seconds(each.median_seconds)}`)
          .join("; ")}
        rows={reviewers.map((each) => ({
          name: each.reviewer,
          said: `${each.per_hour === null ? "–" : whole(Math.round(each.per_hour))}/h, median ${seconds(each.median_seconds)}`,
          value: each.per_hour,
        }))}
        domain={[0, end]}
        ticks={at}
        tickWords={plainTicks(at)}
        label="items per hour, at the mean time of a decision"
        mark="bar"
      />
      <Left of={detail.throughput} />
    </Figure>
  );
}

/** How often people err where the right answer is known. */
export function Errors({ detail }: { detail: QualityDetail }): VNode {
  const all = detail.throughput.filter(({ benchmarks }) => benchmarks > 0);
  const measured = busiest(all);
  const n = detail.throughput.reduce((sum, each) => sum + each.benchmarks, 0);
  const end = Math.min(1, ceiling(Math.max(0.02, ...measured.map(({ error_high, error }) => error_high ?? error ?? 0)), 4));
  const at = ticks(0, end, 4);
  return (
    <Figure
      title="Reviewers' error on hidden gold"
      of={`n = ${amount(n, "answer")} to items whose right answer is known`}
      numbers={{
        columns: ["reviewer", "hidden gold", "wrong", "error", "error at most"],
        rows: all.map((each) => [each.reviewer, each.benchmarks, each.wrong, each.error, each.error_high]),
      }}
      empty={
        measured.length === 0 && (
          <p>
            No reviewer met hidden gold yet. Give the guideline's policy <code>benchmarks: 0.05</code> and import gold: one item in
            twenty is then one whose right answer is known, and nobody can tell which.
          </p>
        )
      }
    >
      <Rows
        title="Error on hidden gold by reviewer"
        words={measured.map((each) => `${each.reviewer}: ${share(each.error)} of ${each.benchmarks}, at most ${share(each.error_high)}`).join("; ")}
        rows={measured.map((each) => ({
          name: each.reviewer,
          said: `${share(each.error)} of ${each.benchmarks}, at most ${share(each.error_high)}`,
          value: each.error,
          low: each.error,
          high: each.error_high,
        }))}
        domain={[0, end]}
        ticks={at}
        tickWords={percentTicks(at)}
        label="wrong answers; the line ends at the upper 95% bound"
        mark="dot"
      />
      <Left of={all} />
    </Figure>
  );
}

function Left({ of }: { of: readonly Throughput[] }): VNode | null {
  if (of.length <= MOST_ROWS) return null;
  return <p class="small soft">The {MOST_ROWS} busiest; the numbers hold all {of.length}.</p>;
}

function busiest(reviewers: readonly Throughput[]): Throughput[] {
  return [...reviewers].sort((a, b) => b.decided - a.decided || b.benchmarks - a.benchmarks).slice(0, MOST_ROWS);
}

interface Joined {
  kind: Queue["kind"];
  open: number;
  leased: number;
  oldest_at: string | null;
  seconds_to_clear: number | null;
}

/** Queues of several languages or kinds as one; its time is known where all of theirs are. */
function joined(queues: readonly Queue[]): Joined {
  const moments = queues.map(({ oldest_at }) => oldest_at).filter((each) => each !== null);
  return {
    kind: queues[0]?.kind ?? "doubt",
    open: queues.reduce((sum, { open }) => sum + open, 0),
    leased: queues.reduce((sum, { leased }) => sum + leased, 0),
    oldest_at: moments.sort((a, b) => Date.parse(a) - Date.parse(b))[0] ?? null,
    seconds_to_clear: queues.some(({ seconds_to_clear }) => seconds_to_clear === null)
      ? null
      : queues.reduce((sum, { seconds_to_clear }) => sum + (seconds_to_clear ?? 0), 0),
  };
}
