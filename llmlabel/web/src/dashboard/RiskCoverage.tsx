import type { VNode } from "preact";
import { useId, useState } from "preact/hooks";
import type { Quality, QualityDetail, RiskPoint } from "../api/types";
import { Figure } from "./Figure";
import { percentTicks, plain, share } from "./formats";
import { Legend, Plot, type Swatch, XAxis, YAxis } from "./plot/Plot";
import { ceiling, linear, path, type Scale, ticks } from "./plot/scale";
import { Sample } from "./Reliability";
import { allowed, highest } from "./risk";

const TOP = 30;
const BOTTOM = 262;
const ACROSS = ticks(0, 1, 5);

/** What thresholds let pass, and how much of it is wrong. */
export function RiskCoverage({ quality, detail }: { quality: Quality; detail: QualityDetail }): VNode {
  const { promise } = quality;
  const { risk_coverage: points, active } = detail;
  const [tried, setTried] = useState<number | null>(null);
  const title = "Risk and coverage";
  const end = Math.min(1, ceiling(highest(points, promise), 5));
  const up = ticks(0, end, 5);
  const id = useId();
  const at = tried === null ? null : (points[Math.min(tried, points.length - 1)] ?? null);
  return (
    <Figure
      title={title}
      of={<Sample n={detail.n} detail={detail} />}
      numbers={{
        columns: ["threshold", "coverage", "risk", "upper 95% bound", "risk that the promise allows"],
        rows: points.map(({ threshold, coverage, risk, bound }) => [threshold, coverage, risk, bound, allowed(promise, coverage)]),
      }}
      empty={points.length === 0 && <p>No checked answer has a confidence: no labeler gave an answer there.</p>}
    >
      <Plot title={title} words={inWords(points, active, quality)} height={BOTTOM + 42}>
        {(width) => {
          const x = linear([0, 1], [48, width - 12]);
          const y = linear([0, end], [BOTTOM, TOP]);
          return (
            <>
              <XAxis scale={x} at={ACROSS} words={percentTicks(ACROSS)} label="coverage: share of documents accepted" y={y} />
              <YAxis scale={y} at={up} words={percentTicks(up)} label="risk: wrong, share of what is accepted" x={x} />
              <clipPath id={`${id}c`}>
                <rect x={x(0)} y={TOP} width={x(1) - x(0)} height={BOTTOM - TOP} />
              </clipPath>
              <g clip-path={`url(#${id}c)`}>
                <path class="bound" d={path(points.map(({ coverage, bound }) => (bound === null ? null : [x(coverage), y(bound)])))} />
                {promise && <path class="promise" d={path(limit(promise, x, y))} />}
                <path class="risk" d={path(points.map(({ coverage, risk }) => [x(coverage), y(risk)]))} />
              </g>
              {active && <Marked point={active} x={x} y={y} look="active" />}
              {at && <Marked point={at} x={x} y={y} look="tried" />}
            </>
          );
        }}
      </Plot>
      <Legend swatches={legend(quality, active, points)} />
      <div class="try small">
        <label for={id}>Try another threshold</label>
        <input
          id={id}
          type="range"
          min={0}
          max={points.length - 1}
          value={tried ?? nearest(points, active)}
          aria-valuetext={at ? tells(at) : "none tried"}
          onInput={(event) => setTried(event.currentTarget.valueAsNumber)}
        />
        <p class="number">{at ? tells(at) : "\u00a0"}</p>
      </div>
      <p class="small soft">The bound is of one threshold looked at alone; only a certificate proves anything.</p>
    </Figure>
  );
}

function tells({ threshold, coverage, risk, bound }: RiskPoint): string {
  const most = bound === null ? "" : `, at most ${share(bound)}`;
  return `From ${plain(threshold, 4)} on: ${share(coverage)} accepted, ${share(risk)} of it wrong${most}`;
}

function Marked({ point, x, y, look }: { point: RiskPoint; x: Scale; y: Scale; look: string }): VNode {
  const risk = Math.min(point.risk, y.domain[1]);
  return (
    <g class={look}>
      <line x1={x(point.coverage)} x2={x(point.coverage)} y1={BOTTOM} y2={TOP} />
      <circle cx={x(point.coverage)} cy={y(risk)} r={6} />
    </g>
  );
}

/** The promise on the axes of the plot: what is delivered is wrong by coverage times risk. */
function limit(promise: NonNullable<Quality["promise"]>, x: Scale, y: Scale): [number, number][] {
  return Array.from({ length: 101 }, (_, n) => n / 100)
    .filter((coverage) => coverage > 0)
    .map((coverage) => [x(coverage), y(allowed(promise, coverage) ?? 1)]);
}

function legend({ promise }: Quality, active: RiskPoint | null, points: readonly RiskPoint[]): Swatch[] {
  const swatches: Swatch[] = [{ look: "risk", mark: "line", words: "risk" }];
  if (points.some(({ bound }) => bound !== null)) swatches.push({ look: "bound", mark: "line", words: "its upper 95% bound" });
  if (promise)
    swatches.push({
      look: "promise",
      mark: "line",
      words: promise.kind === "delivered" ? `${share(promise.error)} of all delivered` : `promised ${share(promise.error)}`,
    });
  if (active)
    swatches.push({
      look: "active-mark",
      mark: "dot",
      words: `accepted now, from ${plain(active.threshold, 4)} on: ${share(active.coverage)}, ${share(active.risk)} of it wrong`,
    });
  return swatches;
}

function nearest(points: readonly RiskPoint[], active: RiskPoint | null): number {
  if (!active) return 0;
  const at = points.findIndex(({ threshold }) => threshold <= active.threshold);
  return at < 0 ? points.length - 1 : at;
}

function inWords(points: readonly RiskPoint[], active: RiskPoint | null, { promise }: Quality): string {
  const some = points.filter((_, n) => n % Math.max(1, Math.floor(points.length / 5)) === 0);
  const line = some.map(({ coverage, risk }) => `at coverage ${share(coverage)} the risk is ${share(risk)}`).join(", ");
  const now = active ? ` Accepted now: ${share(active.coverage)}, of which ${share(active.risk)} is wrong.` : " Nothing is accepted now.";
  return `${line}.${now}${promise ? ` Promised: at most ${share(promise.error)}.` : ""}`;
}
