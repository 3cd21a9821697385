import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { get } from "../api/client";
import type { Flag, Quality } from "../api/types";
import { useKeys } from "../keys";
import { useDesk } from "../queue/desk";
import { go, href, parse } from "../router";
import { Agreeing } from "./Agreeing";
import { Confusions } from "./Confusions";
import "./dashboard.css";
import { Drift } from "./Drift";
import { Flags } from "./Flags";
import { Freshness } from "./Freshness";
import { Overview } from "./Overview";
import "./plot/plot.css";
import { oldest, type Polled, useNow, usePolled } from "./polling";
import { Reliability, Unchecked } from "./Reliability";
import { RiskCoverage } from "./RiskCoverage";
import { Audits, Proof, Standing } from "./Standing";
import { byUrgency, isUsed, named } from "./states";
import { Errors, Speed, Waiting } from "./Work";

const QUALITY = "/v1/metrics/quality";

type Qualities = { guidelines: Quality[] };

/** What is known of the labels, as plots with their numbers; asks again by itself. */
export function Dashboard({ guideline }: { guideline: string | null }): VNode {
  const { engine } = useDesk();
  // Who looks at numbers holds no items back from reviewers.
  useEffect(() => void engine.open(null), [engine]);
  const overview = usePolled("overview", () => get<Qualities>(QUALITY));
  const all = overview.data?.guidelines ?? [];
  const used = byUrgency(all.filter(isUsed));
  const chosen = guideline ? (named(all, guideline)?.guideline ?? guideline) : (used[0]?.guideline ?? null);
  const step = (by: number): void => {
    // From where the address stands: the next key may follow before anything is drawn.
    const from = parse(location.hash).guideline;
    const here = from ? (named(all, from)?.guideline ?? from) : chosen;
    const at = used.findIndex((each) => each.guideline === here);
    const next = used[(at + by + used.length) % Math.max(1, used.length)];
    if (next) go("dashboard", next.guideline);
  };
  useKeys([
    { group: "Quality", keys: ["j"], label: "Next guideline", run: () => step(1) },
    { group: "Quality", keys: ["k"], label: "Guideline before", run: () => step(-1) },
  ]);
  return (
    <div class="stack dashboard">
      {!overview.data && !overview.problem && <p class="loading">Asking for the numbers…</p>}
      {!overview.data && overview.problem && <Failed words={overview.problem} again={overview.again} />}
      {overview.data && !chosen && (
        <>
          <Head parts={[overview]} />
          <Overview guidelines={all} chosen={null} />
        </>
      )}
      {overview.data && chosen && <Chosen guideline={chosen} overview={overview} />}
    </div>
  );
}

function Chosen({ guideline, overview }: { guideline: string; overview: Polled<Qualities> }): VNode {
  const found = usePolled(`quality of ${guideline}`, async () => {
    const { guidelines } = await get<Qualities>(QUALITY, { guideline, detail: true });
    return guidelines[0] ?? null;
  });
  const flags = usePolled(`flags of ${guideline}`, () => get<{ flags: Flag[] }>("/v1/flags", { guideline, open: true }));
  const now = useNow();
  const quality = found.data;
  const detail = quality?.detail;
  return (
    <>
      <Head parts={[overview, found, flags]} />
      <Overview guidelines={overview.data?.guidelines ?? []} chosen={guideline} />
      {!quality && !found.problem && <p class="loading">Measuring {guideline}…</p>}
      {!quality && found.problem && (
        <Failed words={found.problem} again={found.again}>
          <a href={href("dashboard")}>All guidelines</a>
        </Failed>
      )}
      {quality && (
        <>
          <Standing quality={quality} flags={flags.data?.flags.length ?? null} />
          <div class="figures" key={guideline}>
            <Audits quality={quality} />
            <Proof quality={quality} />
            {detail && (
              <>
                {detail.n > 0 ? (
                  <>
                    <RiskCoverage quality={quality} detail={detail} />
                    <Reliability detail={detail} />
                    {detail.confusion && <Confusions confusion={detail.confusion} />}
                  </>
                ) : (
                  <Unchecked guideline={guideline} />
                )}
                <Waiting detail={detail} guideline={guideline} now={now} />
                <Speed detail={detail} />
                <Errors detail={detail} />
                <Agreeing agreement={detail.agreement} guideline={guideline} />
              </>
            )}
            <Flags
              flags={flags.data?.flags ?? null}
              problem={flags.problem}
              guideline={guideline}
              now={now}
              onResolved={flags.again}
            />
            <Drift quality={quality} />
          </div>
        </>
      )}
    </>
  );
}

function Head({ parts }: { parts: readonly Polled<unknown>[] }): VNode {
  return (
    <div class="row dashboard-head">
      <h1>Quality</h1>
      <span class="spring" />
      <Freshness
        at={oldest(parts)}
        problem={parts.find(({ problem }) => problem !== null)?.problem ?? null}
        asking={parts.some(({ asking }) => asking)}
        again={() => parts.forEach((each) => each.again())}
      />
    </div>
  );
}

function Failed({ words, again, children }: { words: string; again(): void; children?: VNode }): VNode {
  return (
    <>
      <h1>Quality</h1>
      <div class="notice notice-bad row" role="alert">
        <span>The numbers cannot be shown. {words}</span>
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
        {children}
      </div>
    </>
  );
}
