import type { VNode } from "preact";
import type { DriftDay, Quality } from "../api/types";
import { amount } from "../text/amounts";
import { Command, Figure } from "./Figure";
import { percentTicks, plain, plainTicks, share, shortDay, whole } from "./formats";
import { Legend, Plot, type Swatch, YAxis } from "./plot/Plot";
import { ceiling, linear, path, type Scale, ticks } from "./plot/scale";
import { Strip } from "./plot/Strip";

/** From there on a population stability index is called a large shift. */
const LARGE = 0.2;
const DAY = 86_400_000;
const LEFT = 44;

/** Whether the days still look like the gold that certified. */
export function Drift({ quality }: { quality: Quality }): VNode {
  const { drift, certificate, guideline, promise } = quality;
  const documents = drift.reduce((sum, each) => sum + each.documents, 0);
  const novelty = drift.some(({ novel_share }) => novel_share !== null);
  const last = [...drift].reverse().find(({ drifted }) => drifted);
  return (
    <Figure
      title="Drift by day"
      wide
      of={`n = ${amount(documents, "document")} on ${amount(drift.length, "day")} (UTC), against the gold that certified`}
      numbers={{
        columns: ["day", "documents", "drifted", "confidence index", "label index", "novel share", "words"],
        rows: drift.map((each) => [
          each.day,
          each.documents,
          each.drifted ? "yes" : "no",
          each.confidence_index,
          each.label_index,
          each.novel_share,
          each.words,
        ]),
      }}
      empty={
        drift.length === 0 &&
        (certificate ? (
            <p>
              No document was labeled under the certificate in the last days. Each day with documents is compared with the gold that
              certified.
            </p>
          ) : (
            <>
              <p>Days are compared with the gold of a certificate, and none is in force.</p>
              <Command line={`llmlabel certify ${guideline}${promise ? "" : " --promise delivered:0.05:0.95"}`} />
            </>
          ))
      }
    >
      {last && (
        <p class="notice notice-warn small">
          <strong>{shortDay(last.day)}:</strong> {last.words}
        </p>
      )}
      <Days days={drift} />
      <Legend
        swatches={[
          { look: "first", mark: "dot", words: "confidences" },
          { look: "second", mark: "square", words: "labels" },
          { look: "promise", mark: "line", words: `large shift, from ${LARGE} on` },
          ...(novelty ? [{ look: "third", mark: "dot", words: "documents unlike those learned from" } satisfies Swatch] : []),
        ]}
      />
    </Figure>
  );
}

function Days({ days }: { days: readonly DriftDay[] }): VNode {
  const novelty = days.some(({ novel_share }) => novel_share !== null);
  const top = 26;
  const bottom = 176;
  const newTop = bottom + 40;
  const newBottom = newTop + (novelty ? 80 : -40);
  const stripBottom = newBottom + 66;
  const moments = days.map(({ day }) => Date.parse(day) / DAY);
  const end = ceiling(Math.max(2 * LARGE, ...days.flatMap((each) => [each.confidence_index ?? 0, each.label_index ?? 0])), 4);
  const up = ticks(0, end, 4);
  const newEnd = Math.min(1, ceiling(Math.max(0.1, ...days.map((each) => each.novel_share ?? 0)), 3));
  const newUp = ticks(0, newEnd, 2);
  return (
    <Plot title="Drift by day" words={days.map(inWords).join("; ")} height={stripBottom + 22}>
      {(width) => {
        const x = linear([Math.min(...moments) - 0.5, Math.max(...moments) + 0.5], [LEFT, width - 12]);
        const y = linear([0, end], [bottom, top]);
        const newY = linear([0, newEnd], [newBottom, newTop]);
        return (
          <>
            <YAxis scale={y} at={up} words={plainTicks(up)} label="population stability index" x={x} />
            <line class="promise" x1={LEFT} x2={width - 12} y1={y(LARGE)} y2={y(LARGE)} />
            {days.map(({ day, drifted }, n) =>
              drifted ? <rect key={day} class="drifted" x={x((moments[n] ?? 0) - 0.5)} width={x(1) - x(0)} y={top} height={bottom - top} /> : null,
            )}
            <Line days={days} of="confidence_index" x={x} y={y} look="first" />
            <Line days={days} of="label_index" x={x} y={y} look="second" />
            {novelty && (
              <>
                <YAxis scale={newY} at={newUp} words={percentTicks(newUp)} label="unlike those learned from, share" x={x} />
                <Line days={days} of="novel_share" x={x} y={newY} look="third" />
              </>
            )}
            <Strip
              x={x}
              top={newBottom + 26}
              bottom={stripBottom}
              bars={days.map(({ day, documents }, n) => ({
                from: (moments[n] ?? 0) - 0.4,
                to: (moments[n] ?? 0) + 0.4,
                n: documents,
                words: `${shortDay(day)}: ${amount(documents, "document")}`,
              }))}
              label="documents"
            />
            <g class="axis">
              {labeled(moments, (width - LEFT) / 56).map((moment) => (
                <text key={moment} x={x(moment)} y={stripBottom + 16} text-anchor="middle">
                  {shortDay(new Date(moment * DAY).toISOString().slice(0, 10))}
                </text>
              ))}
            </g>
          </>
        );
      }}
    </Plot>
  );
}

interface LineProps {
  days: readonly DriftDay[];
  of: "confidence_index" | "label_index" | "novel_share";
  x: Scale;
  y: Scale;
  look: string;
}

function Line({ days, of, x, y, look }: LineProps): VNode {
  const points = days.map((each): [number, number] | null => {
    const value = each[of];
    return value === null ? null : [x(Date.parse(each.day) / DAY), y(value)];
  });
  return (
    <g class={look}>
      <path d={path(points)} />
      {points.map((point, n) => {
        const each = days[n];
        if (!point || !each) return null;
        const title = <title>{inWords(each)}</title>;
        return look === "second" ? (
          <rect key={each.day} x={point[0] - 4} y={point[1] - 4} width={8} height={8}>
            {title}
          </rect>
        ) : (
          <circle key={each.day} cx={point[0]} cy={point[1]} r={4.5}>
            {title}
          </circle>
        );
      })}
    </g>
  );
}

/** Days to name under the axis, so that their names do not touch; the newest always. */
function labeled(moments: readonly number[], room: number): number[] {
  const every = Math.max(1, Math.ceil(moments.length / Math.max(1, room)));
  return moments.filter((_, n) => (moments.length - 1 - n) % every === 0);
}

function inWords(each: DriftDay): string {
  const parts = [`${shortDay(each.day)}: ${whole(each.documents)} documents`];
  if (each.confidence_index !== null) parts.push(`confidences ${plain(each.confidence_index)}`);
  if (each.label_index !== null) parts.push(`labels ${plain(each.label_index)}`);
  if (each.novel_share !== null) parts.push(`${share(each.novel_share)} unlike those learned from`);
  return `${parts.join(", ")}${each.drifted ? ", drifted" : ""}`;
}
