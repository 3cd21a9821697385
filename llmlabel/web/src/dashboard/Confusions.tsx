import type { VNode } from "preact";
import type { Confusion } from "../api/types";
import { amount } from "../text/amounts";
import "./confusions.css";
import { excerpt, type Excerpt, NONE, pairsOf, totals } from "./confusions";
import { Figure } from "./Figure";
import { cut, share, whole } from "./formats";

const MOST_LABELS = 16;
const MOST_PAIRS = 10;
const UPRIGHT = 4;

/** Which labels are taken for which others. */
export function Confusions({ confusion }: { confusion: Confusion }): VNode {
  const { n, right } = totals(confusion);
  const pairs = pairsOf(confusion);
  const part = excerpt(confusion, MOST_LABELS);
  return (
    <Figure
      title="Confusions"
      wide={part.labels.length > 9}
      of={`n = ${amount(n, "checked label")}, ${whole(right)} of them right`}
      numbers={{
        columns: ["verified", "proposed", "n", "share of the verified"],
        rows: n
          ? confusion.labels.flatMap((label, i): [string, string, number, number][] => {
              const row = confusion.counts[i] ?? [];
              const all = row.reduce((sum, each) => sum + each, 0);
              return row.flatMap((count, j) => (count ? [[label, confusion.labels[j] ?? "", count, count / all]] : []));
            })
          : [],
      }}
      empty={n === 0 && <p>Nothing was found in the checked documents, neither by people nor by the labelers.</p>}
    >
      <div class="confusions">
        <Matrix part={part} />
        <div class="pairs">
          <h4>Most often confused</h4>
          {pairs.length === 0 ? (
            <p class="small soft">No label was taken for another one.</p>
          ) : (
            <ol class="small">
              {pairs.slice(0, MOST_PAIRS).map((pair) => (
                <li key={`${pair.verified}\t${pair.proposed}`}>
                  <b>{pair.verified}</b> taken for <b>{pair.proposed}</b>
                  <span class="soft number">
                    {" "}
                    {whole(pair.n)}×, {share(pair.share)} of {pair.verified}
                  </span>
                </li>
              ))}
            </ol>
          )}
          {pairs.length > MOST_PAIRS && <p class="small soft">{whole(pairs.length - MOST_PAIRS)} more pairs among the numbers.</p>}
        </div>
      </div>
    </Figure>
  );
}

function Matrix({ part: { labels, counts, folded } }: { part: Excerpt }): VNode {
  const turned = labels.length > UPRIGHT;
  return (
    <div class="matrix-scroll" role="region" aria-label="Confusion matrix" tabIndex={0}>
      <table class={turned ? "matrix matrix-turned" : "matrix"}>
        <caption class="small soft">
          Rows: verified by people. Columns: proposed.
          {folded > 0 && ` The ${labels.length - 1} labels most often confused; ${folded} others as one.`}
        </caption>
        <thead>
          <tr>
            <td />
            {labels.map((label) => (
              <th key={label} scope="col" title={label}>
                <span>{named(label)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {counts.map((row, i) => {
            const all = row.reduce((sum, each) => sum + each, 0);
            return (
              <tr key={labels[i]}>
                <th scope="row" title={labels[i]}>
                  {named(labels[i] ?? "")}
                </th>
                {row.map((n, j) => {
                  // The last row and column of a part stand for many labels: nobody knows which are right.
                  const many = folded > 0 && i === labels.length - 1 && j === i;
                  const look = many ? "cell-many" : i === j ? "cell-right" : "cell-wrong";
                  return (
                    <td key={labels[j]} class={n ? `${look} number` : "cell-none number"} style={{ "--share": String(n / Math.max(1, all)) }}>
                      {n ? whole(n) : <span aria-label="0">·</span>}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const named = (label: string): string => cut(label === NONE ? "none" : label, 22);
