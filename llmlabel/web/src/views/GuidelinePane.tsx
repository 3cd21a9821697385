import type { VNode } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Clause, Review } from "../api/types";
import { doubtfulClauses } from "../text/clauses";
import { inline, Markdown } from "../text/markdown";

interface Props {
  item: Review;
  onClose(): void;
  onFlag(): void;
}

/** The guideline beside the text; the clauses that may settle this item are marked. */
export function GuidelinePane({ item, onClose, onFlag }: Props): VNode {
  const { guideline } = item;
  const doubtful = useMemo(() => doubtfulClauses(item), [item]);
  const list = useRef<HTMLDivElement>(null);
  const why = (id: string): string | null => {
    if (doubtful.named.has(id)) return "named in a doubt";
    if (doubtful.between.has(id)) return "about both labels in doubt";
    const label = doubtful.about.get(id);
    return label ? `about ${label}, which is in doubt` : null;
  };
  useEffect(() => {
    const pane = list.current;
    const first = pane?.querySelector<HTMLElement>(".clause-named") ?? pane?.querySelector<HTMLElement>(".clause-between");
    if (pane) pane.scrollTop = first ? first.offsetTop - pane.offsetTop - 16 : 0;
  }, [item.id]);
  return (
    <aside class="pane card" aria-label={`Guideline ${guideline.title}`}>
      <header class="pane-head">
        <h2>
          {guideline.title} <span class="small soft">{guideline.ref}</span>
        </h2>
        <button type="button" class="button button-quiet" onClick={onFlag}>
          Flag <kbd aria-hidden="true">F</kbd>
        </button>
        <button type="button" class="button button-quiet" onClick={onClose}>
          Hide <kbd aria-hidden="true">G</kbd>
        </button>
      </header>
      <div ref={list} class="pane-body" tabIndex={0} role="region" aria-label="Clauses and labels">
        <h3>Clauses</h3>
        {guideline.clauses.length === 0 && <p class="soft small">This guideline has no numbered clauses.</p>}
        <ol class="clauses">
          {guideline.clauses.map((clause) => (
            <ClauseItem key={clause.id} clause={clause} named={doubtful.named.has(clause.id)} why={why(clause.id)} />
          ))}
        </ol>
        {guideline.labels.length > 0 && (
          <>
            <h3>Labels</h3>
            <dl class="definitions">
              {guideline.labels.map(({ name, definition }) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{definition}</dd>
                </div>
              ))}
            </dl>
          </>
        )}
        <details>
          <summary>The whole guideline</summary>
          <Markdown source={guideline.body} />
        </details>
      </div>
    </aside>
  );
}

function ClauseItem({ clause, named, why }: { clause: Clause; named: boolean; why: string | null }): VNode {
  const kind = named ? "clause clause-named" : why ? "clause clause-between" : "clause";
  return (
    <li class={kind}>
      <b class="clause-id">{clause.id}</b>
      {why && <span class="clause-why">{why}</span>}
      <p>{inline(clause.text)}</p>
    </li>
  );
}
