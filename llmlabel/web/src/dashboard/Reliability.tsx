import type { VNode } from "preact";
import type { QualityDetail, ReliabilityBin } from "../api/types";
import { amount } from "../text/amounts";
import { Command, Figure } from "./Figure";
import { percentTicks, plain, share, whole } from "./formats";
import { Legend, Plot, XAxis, YAxis } from "./plot/Plot";
import { Strip } from "./plot/Strip";
import { linear, ticks } from "./plot/scale";
import { Fact } from "./Standing";

const AT = ticks(0, 1, 5);
const WORDS = percentTicks(AT);
const TOP = 22;
const BOTTOM = 242;
const STRIP = 308;

/** Whether confidences mean what they say. */
export function Reliability({ detail }: { detail: QualityDetail }): VNode {
  const { reliability } = detail;
  const { bins } = reliability;
  const title = "Reliability of confidences";
  return (
    <Figure
      title={title}
      of={<Sample n={reliability.n} detail={detail} />}
      numbers={{
        columns: ["from", "to", "n", "mean confidence", "right"],
        rows: bins.map(({ low, high, n, confidence, accuracy }) => [low, high, n, confidence, accuracy]),
      }}
      empty={bins.length === 0 && <p>No checked answer has a confidence: no labeler gave an answer there.</p>}
    >
      <dl class="facts">
        <Fact name="Mean gap (ECE)" value={share(reliability.ece)} />
        <Fact name="Brier score" value={plain(reliability.brier, 3)} />
        <Fact name="Right above wrong (AUROC)" value={plain(reliability.auroc)} />
      </dl>
      <Plot title={title} words={inWords(bins)} height={STRIP + 28}>
        {(width) => {
          const x = linear([0, 1], [44, width - 12]);
          const y = linear([0, 1], [BOTTOM, TOP]);
          const most = Math.max(...bins.map(({ n }) => n));
          return (
            <>
              <XAxis scale={x} at={AT} words={WORDS} y={y} />
              <YAxis scale={y} at={AT} words={WORDS} label="right, share of answers" x={x} />
              <line class="ideal" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
              {bins.map(({ low, confidence, accuracy, n }) => (
                <g key={low}>
                  <line class="gap" x1={x(confidence)} x2={x(confidence)} y1={y(confidence)} y2={y(accuracy)} />
                  <circle class="dot" cx={x(confidence)} cy={y(accuracy)} r={3 + 5 * Math.sqrt(n / most)}>
                    <title>{`${amount(n, "answer")}: confidence ${share(confidence)}, right ${share(accuracy)}`}</title>
                  </circle>
                </g>
              ))}
              <Strip
                x={x}
                top={BOTTOM + 36}
                bottom={STRIP}
                bars={bins.map(({ low, high, n }) => ({ from: low, to: high, n, words: `${share(low)} to ${share(high)}: ${whole(n)}` }))}
                label="answers"
              />
              <text class="axis-label" x={width / 2} y={STRIP + 20} text-anchor="middle">
                confidence
              </text>
            </>
          );
        }}
      </Plot>
      <Legend
        swatches={[
          { look: "dot", mark: "dot", words: "answers of one bin; larger where there are more" },
          { look: "ideal", mark: "line", words: "confidence means what it says" },
        ]}
      />
    </Figure>
  );
}

/** Of what the plots of checked answers are made. */
export function Sample({ n, detail }: { n: number; detail: QualityDetail }): VNode {
  return (
    <>
      n = {amount(n, "checked answer")} that chance chose
      {detail.left_out > 0 && <>; {whole(detail.left_out)} older ones with a confidence made otherwise are left out</>}
    </>
  );
}

/** Stands in the place of all plots of checked answers while there are none. */
export function Unchecked({ guideline }: { guideline: string }): VNode {
  return (
    <Figure
      title="Risk, reliability, confusions"
      of="n = 0 checked answers that chance chose"
      numbers={{ columns: [], rows: [] }}
      empty={
        <>
          <p>
            No answer that chance chose was checked yet. Audits come by themselves: some accepted answers are drawn and come to
            reviewers <em>blind</em>. Or import right answers for texts that were labeled here:
          </p>
          <Command line={`llmlabel gold import FILE -g ${guideline}`} />
        </>
      }
    />
  );
}

function inWords(bins: readonly ReliabilityBin[]): string {
  return bins.map(({ n, confidence, accuracy }) => `confidence ${share(confidence)}: ${share(accuracy)} of ${n} right`).join("; ");
}
