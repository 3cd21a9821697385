import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { type Cell, copy, type Numbers, shown, tsv } from "./table";

interface Props {
  title: string;
  /** What it is made of: `n = 412 checked answers`. */
  of?: ComponentChildren;
  numbers: Numbers;
  wide?: boolean;
  /** What to do to get the numbers; stands in the place of the plot. */
  empty?: ComponentChildren;
  children?: ComponentChildren;
}

/** A card with a plot, what it is made of, and its numbers to read or copy. */
export function Figure({ title, of, numbers, wide = false, empty, children }: Props): VNode {
  const [table, setTable] = useState(false);
  const id = useId();
  return (
    <section class={wide ? "card figure figure-wide" : "card figure"} aria-labelledby={`${id}t`}>
      <header class="figure-head">
        <div>
          <h3 id={`${id}t`}>{title}</h3>
          {of && <p class="small soft">{of}</p>}
        </div>
        {numbers.rows.length > 0 && (
          <div class="row figure-tools">
            <button
              type="button"
              class="button tool"
              aria-expanded={table}
              aria-controls={`${id}n`}
              onClick={() => setTable(!table)}
            >
              {table ? "Hide numbers" : "Numbers"}
              <span class="out-of-sight"> of {title}</span>
            </button>
            <CopyButton text={() => tsv(numbers)} of={title} />
          </div>
        )}
      </header>
      {empty ? <div class="figure-empty small">{empty}</div> : children}
      <div id={`${id}n`} hidden={!table}>
        {table && <NumbersTable title={title} numbers={numbers} />}
      </div>
    </section>
  );
}

interface CopyProps {
  text(): string;
  /** What is copied, for those who do not see where the button stands. */
  of: string;
  words?: string;
}

export function CopyButton({ text, of, words = "Copy" }: CopyProps): VNode {
  const [said, setSaid] = useState<"" | "Copied" | "Not copied">("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), 2_500);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <button type="button" class="button tool" onClick={() => void copy(text()).then((done) => setSaid(done ? "Copied" : "Not copied"))}>
      <span role="status">{said}</span>
      {!said && words}
      <span class="out-of-sight"> {of}</span>
    </button>
  );
}

/** A command to type in a terminal. */
export function Command({ line }: { line: string }): VNode {
  return (
    <span class="command">
      <code>{line}</code>
      <CopyButton text={() => line} of={line} />
    </span>
  );
}

function NumbersTable({ title, numbers: { columns, rows } }: { title: string; numbers: Numbers }): VNode {
  return (
    <div class="numbers" role="region" aria-label={`Numbers of ${title}`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, n) => (
            <tr key={n}>{row.map(cellOf)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellOf(cell: Cell, n: number): VNode {
  const words = shown(cell);
  return n === 0 ? (
    <th key={n} scope="row">
      {words}
    </th>
  ) : (
    <td key={n} class={typeof cell === "string" ? undefined : "number"}>
      {words}
    </td>
  );
}
