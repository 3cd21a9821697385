import type { VNode } from "preact";
import type { Quality } from "../api/types";
import { href } from "../router";
import { amount } from "../text/amounts";
import { share, UNKNOWN, whole } from "./formats";
import { byUrgency, isUsed, STATE } from "./states";

interface Props {
  guidelines: readonly Quality[];
  /** `name@version` of the one that is shown below. */
  chosen: string | null;
}

/** Every guideline with its state, those that need somebody first; each leads to its numbers. */
export function Overview({ guidelines, chosen }: Props): VNode {
  const used = byUrgency(guidelines.filter(isUsed));
  const others = byUrgency(guidelines.filter((each) => !isUsed(each)));
  return (
    <section class="card overview" aria-labelledby="overview">
      <h2 id="overview" class="out-of-sight">
        Guidelines
      </h2>
      {used.length > 0 ? (
        <Table guidelines={used} chosen={chosen} />
      ) : (
        <div class="stack">
          <p>
            <strong>Nothing was labeled, promised or certified here yet.</strong>
          </p>
          <p class="soft">
            Send documents with <code>POST /v1/documents</code>, or import right answers with{" "}
            <code>llmlabel gold import FILE -g GUIDELINE</code>. Numbers come here by themselves.
          </p>
        </div>
      )}
      {others.length > 0 && (
        <details open={others.some(({ guideline }) => guideline === chosen)}>
          <summary class="small soft">{amount(others.length, "guideline")} without labels</summary>
          <p class="row overview-others">
            {others.map(({ guideline }) => (
              <a key={guideline} class="chip" href={href("dashboard", guideline)} aria-current={guideline === chosen ? "true" : undefined}>
                {guideline}
              </a>
            ))}
          </p>
        </details>
      )}
    </section>
  );
}

function Table({ guidelines, chosen }: Props): VNode {
  return (
    <div class="overview-scroll" role="region" aria-label="Table of guidelines" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Guideline</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Accepted unseen
            </th>
            <th scope="col" class="number">
              Wrong, by audits
            </th>
            <th scope="col" class="number">
              Waiting
            </th>
            <th scope="col" class="number">
              Decided
            </th>
          </tr>
        </thead>
        <tbody>
          {guidelines.map((each) => (
            <Line key={each.guideline} quality={each} chosen={each.guideline === chosen} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Line({ quality, chosen }: { quality: Quality; chosen: boolean }): VNode {
  const { guideline, title, state, counts, audits } = quality;
  const routed = counts.accepted + counts.review;
  return (
    <tr class={chosen ? "overview-chosen" : undefined}>
      <th scope="row">
        <a href={href("dashboard", guideline)} aria-current={chosen ? "true" : undefined}>
          {guideline}
        </a>
        <span class="small soft overview-title">{title}</span>
      </th>
      <td>
        <StateChip state={state} />
      </td>
      <td class="number">{routed ? share(counts.accepted / routed) : UNKNOWN}</td>
      <td class="number">
        {audits.estimate === null ? (
          UNKNOWN
        ) : (
          <>
            {share(audits.estimate)}{" "}
            <span class="soft">
              ({share(audits.low)} to {share(audits.high)})
            </span>
          </>
        )}
      </td>
      <td class="number">{whole(counts.waiting)}</td>
      <td class="number">{whole(counts.decisions)}</td>
    </tr>
  );
}

export function StateChip({ state }: { state: Quality["state"] }): VNode {
  const { name, tone } = STATE[state];
  return <span class={`state state-${tone}`}>{name}</span>;
}
