import type { VNode } from "preact";
import { cut } from "../formats";
import { Plot } from "./Plot";
import { linear } from "./scale";

export interface Row {
  name: string;
  /** Stands at the right end, over the mark. */
  said: string;
  value: number | null;
  low?: number | null;
  high?: number | null;
  tone?: "plain" | "bad" | "good";
}

interface Props {
  title: string;
  words: string;
  rows: readonly Row[];
  domain: readonly [number, number];
  ticks: readonly number[];
  tickWords: readonly string[];
  /** Name and unit of the axis. */
  label: string;
  mark: "bar" | "dot";
  /** A value all rows are held against. */
  against?: { value: number; words: string; promised: boolean } | null;
}

const ROW = 36;
const CHARACTER = 6.8;

/** Values one under the other on one axis, with their intervals. */
export function Rows({ title, words, rows, domain, ticks, tickWords, label, mark, against }: Props): VNode {
  const top = against ? 20 : 4;
  const bottom = top + rows.length * ROW;
  return (
    <Plot title={title} words={words} height={bottom + 42}>
      {(width) => {
        const x = linear(domain, [8, width - 8]);
        return (
          <>
            <g class="axis">
              {ticks.map((value, n) => (
                <g key={value}>
                  <line class="grid" x1={x(value)} x2={x(value)} y1={top} y2={bottom} />
                  <text x={x(value)} y={bottom + 15} text-anchor={anchorOf(x(value), width)}>
                    {tickWords[n]}
                  </text>
                </g>
              ))}
              <text class="axis-label" x={width / 2} y={bottom + 33} text-anchor="middle">
                {label}
              </text>
            </g>
            {rows.map((row, n) => (
              <g key={row.name} transform={`translate(0 ${top + n * ROW})`}>
                <text class="row-name" x={8} y={13}>
                  {cut(row.name, Math.max(6, Math.floor((width - 24) / CHARACTER - row.said.length)))}
                </text>
                <text class="row-said" x={width - 8} y={13} text-anchor="end">
                  {row.said}
                </text>
                <Mark row={row} mark={mark} x={x} />
              </g>
            ))}
            {against && (
              <g>
                <line class={against.promised ? "promise" : "ideal"} x1={x(against.value)} x2={x(against.value)} y1={top - 4} y2={bottom} />
                <text class={against.promised ? "promise-words" : "axis-label"} x={x(against.value)} y={11} text-anchor={anchorOf(x(against.value), width, 70)}>
                  {against.words}
                </text>
              </g>
            )}
          </>
        );
      }}
    </Plot>
  );
}

function Mark({ row, mark, x }: { row: Row; mark: "bar" | "dot"; x(value: number): number }): VNode {
  const { value, low, high, tone = "plain" } = row;
  const y = 24;
  return (
    <g class={`tone-${tone}`}>
      {mark === "bar" && value !== null && (
        <rect class="bar" x={x(0)} y={y - 5} width={Math.max(1, x(value) - x(0))} height={10} rx={2} />
      )}
      {low !== null && low !== undefined && high !== null && high !== undefined && (
        <g class="whisker">
          <line x1={x(low)} x2={x(high)} y1={y} y2={y} />
          <line x1={x(low)} x2={x(low)} y1={y - 5} y2={y + 5} />
          <line x1={x(high)} x2={x(high)} y1={y - 5} y2={y + 5} />
        </g>
      )}
      {mark === "dot" && value !== null && <circle class="dot" cx={x(value)} cy={y} r={5} />}
    </g>
  );
}

function anchorOf(x: number, width: number, room = 24): "start" | "middle" | "end" {
  if (x < room) return "start";
  return x > width - room ? "end" : "middle";
}
