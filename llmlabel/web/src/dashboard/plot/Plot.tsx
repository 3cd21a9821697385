import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Scale } from "./scale";

interface Props {
  title: string;
  /** What is to be seen, in words. */
  words: string;
  height: number;
  /** Draws in so many pixels of width. */
  children(width: number): ComponentChildren;
}

const FIRST_GUESS = 480;

/** A drawing as wide as there is room for, with a text for those who do not see it. */
export function Plot({ title, words, height, children }: Props): VNode {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(FIRST_GUESS);
  const id = useId();
  useLayoutEffect(() => {
    if (box.current?.clientWidth) setWidth(box.current.clientWidth);
  }, []);
  useEffect(() => {
    if (!box.current || typeof ResizeObserver === "undefined") return;
    const watching = new ResizeObserver(([entry]) => {
      const wide = Math.floor(entry?.contentRect.width ?? 0);
      if (wide > 0) setWidth(wide);
    });
    watching.observe(box.current);
    return () => watching.disconnect();
  }, []);
  return (
    <div ref={box} class="plot">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={title} aria-describedby={id}>
        {children(width)}
      </svg>
      <p id={id} class="out-of-sight">
        {words}
      </p>
    </div>
  );
}

interface AxisProps {
  scale: Scale;
  at: readonly number[];
  words: readonly string[];
  /** Name and unit. */
  label?: string;
}

/** The lower axis of an area that spans `y`, with its grid. */
export function XAxis({ scale, at, words, label, y }: AxisProps & { y: Scale }): VNode {
  const [bottom, top] = y.range;
  const [left, right] = scale.range;
  return (
    <g class="axis">
      {at.map((value, n) => (
        <g key={value}>
          <line class="grid" x1={scale(value)} x2={scale(value)} y1={bottom} y2={top} />
          <text x={scale(value)} y={bottom + 15} text-anchor={anchorOf(scale(value), left, right)}>
            {words[n]}
          </text>
        </g>
      ))}
      <line class="edge" x1={left} x2={right} y1={bottom} y2={bottom} />
      {label && (
        <text class="axis-label" x={(left + right) / 2} y={bottom + 33} text-anchor="middle">
          {label}
        </text>
      )}
    </g>
  );
}

/** The left axis of an area that spans `x`, with its grid; its name stands above it. */
export function YAxis({ scale, at, words, label, x }: AxisProps & { x: Scale }): VNode {
  const [left, right] = x.range;
  const [, top] = scale.range;
  return (
    <g class="axis">
      {at.map((value, n) => (
        <g key={value}>
          <line class="grid" x1={left} x2={right} y1={scale(value)} y2={scale(value)} />
          <text x={left - 6} y={scale(value) + 4} text-anchor="end">
            {words[n]}
          </text>
        </g>
      ))}
      {label && (
        <text class="axis-label" x={0} y={top - 10}>
          {label}
        </text>
      )}
    </g>
  );
}

export interface Swatch {
  /** Class of the line or mark. */
  look: string;
  mark: "line" | "dot" | "square" | "bar";
  words: ComponentChildren;
}

export function Legend({ swatches }: { swatches: readonly Swatch[] }): VNode {
  return (
    <ul class="legend small">
      {swatches.map(({ look, mark, words }) => (
        <li key={look}>
          <svg width="22" height="12" aria-hidden="true">
            {mark !== "bar" && <line class={look} x1="0" x2="22" y1="6" y2="6" />}
            {mark === "dot" && <circle class={look} cx="11" cy="6" r="4" />}
            {mark === "square" && <rect class={look} x="7.5" y="2.5" width="7" height="7" />}
            {mark === "bar" && <rect class={look} x="3" y="1" width="16" height="10" />}
          </svg>
          <span>{words}</span>
        </li>
      ))}
    </ul>
  );
}

// The outermost words stay within the drawing.
function anchorOf(x: number, left: number, right: number): "start" | "middle" | "end" {
  if (right - x < 2 && right - left > 60) return "end";
  return "middle";
}
