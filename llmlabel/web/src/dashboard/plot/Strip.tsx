import type { VNode } from "preact";
import { whole } from "../formats";
import { linear, type Scale } from "./scale";

interface Props {
  x: Scale;
  top: number;
  bottom: number;
  bars: readonly { from: number; to: number; n: number; words: string }[];
  label: string;
}

/** How much each part of a plot above is made of. */
export function Strip({ x, top, bottom, bars, label }: Props): VNode {
  const most = Math.max(1, ...bars.map(({ n }) => n));
  const y = linear([0, most], [bottom, top]);
  const [left, right] = x.range;
  return (
    <g class="axis">
      <text x={left - 6} y={top + 8} text-anchor="end">
        {whole(most)}
      </text>
      <text x={left - 6} y={bottom + 3} text-anchor="end">
        0
      </text>
      {bars.map(({ from, to, n, words }) => (
        <rect key={from} class="strip" x={x(from) + 1} width={Math.max(1, x(to) - x(from) - 2)} y={y(n)} height={bottom - y(n)}>
          <title>{words}</title>
        </rect>
      ))}
      <line class="edge" x1={left} x2={right} y1={bottom} y2={bottom} />
      <text class="strip-label" x={right} y={top - 2} text-anchor="end">
        {label}
      </text>
    </g>
  );
}
