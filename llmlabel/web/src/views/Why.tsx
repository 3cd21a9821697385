import type { VNode } from "preact";
import type { Confidence, Opinion, Review, ReviewKind } from "../api/types";
import { percent } from "../text/amounts";
import { answerInWords } from "../text/answers";

const KINDS: Record<ReviewKind, string> = {
  doubt: "The labelers were not sure enough.",
  audit: "It was drawn at random to check what was accepted.",
  forced: "At the time every document was reviewed.",
  breach: "The promise given for these labels was in danger.",
  relabel: "Its label is to be decided again.",
  adjudication: "The reviewers of this item disagree.",
  benchmark: "It was decided before, to measure how reviewers agree.",
};

/** Why the item is here, and what each labeler said of it. */
export function Why({ item }: { item: Review }): VNode {
  if (item.kind === null || !item.opinions)
    return (
      <p class="why small soft">
        Decide this one by yourself. What was proposed, and why it is here, is not shown, so that it cannot sway you.
      </p>
    );
  const { confidence = null } = item.proposal ?? {};
  return (
    <details class="why">
      <summary>
        <span class="small">
          Why it is here: {KINDS[item.kind]} <span class="soft">{item.reason}</span>
        </span>
      </summary>
      <div class="why-more">
        {confidence && <p class="small">{inWords(confidence)}</p>}
        <ul class="opinions">
          {item.opinions.map((opinion, n) => (
            <OpinionRow key={n} opinion={opinion} />
          ))}
        </ul>
      </div>
    </details>
  );
}

function inWords({ value, method, calibrated, n }: Confidence): string {
  const checked = calibrated
    ? `, checked against ${n ?? "verified"} verified labels`
    : ", not yet checked against verified labels";
  return `Confidence ${percent(value)} (${method}${checked}).`;
}

function OpinionRow({ opinion }: { opinion: Opinion }): VNode {
  const { source, answer, outcome, probability, scores, detail } = opinion;
  const ranked = Object.entries(scores)
    .sort((one, other) => other[1] - one[1])
    .slice(0, 3);
  return (
    <li class={outcome === "answered" ? "opinion" : "opinion opinion-failed"}>
      <span class="opinion-who">
        <b>{source.labeler}</b> <span class="small soft">{[source.model, source.prompt].filter(Boolean).join(" · ")}</span>
      </span>
      <span class="opinion-said">
        {answer ? answerInWords(answer) : `no answer (${outcome})`}
        {probability !== null && <span class="number soft"> {percent(probability)}</span>}
      </span>
      {ranked.length > 1 && (
        <span class="small soft number opinion-scores">{ranked.map(([label, p]) => `${label} ${percent(p)}`).join(" · ")}</span>
      )}
      {detail && <span class="small opinion-detail">{detail}</span>}
    </li>
  );
}
