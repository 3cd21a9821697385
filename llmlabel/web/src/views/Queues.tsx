import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, inWords } from "../api/client";
import type { Queue } from "../api/types";
import { href } from "../router";
import { duration } from "../text/amounts";

const EVERY = 20_000;

const KINDS: Record<Queue["kind"], string> = {
  doubt: "in doubt",
  forced: "every document",
  breach: "promise broken",
  relabel: "asked again",
  blind: "blind",
  adjudication: "to adjudicate",
};

/** What waits, by guideline; each part leads to the review of just that. */
export function Queues(): VNode {
  const { queues, problem, again } = useQueues();
  if (problem)
    return (
      <div class="notice notice-bad row" role="alert">
        <span>The queues cannot be shown. {problem}</span>
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      </div>
    );
  if (!queues) return <p class="loading">Counting what waits…</p>;
  const guidelines = [...new Set(queues.filter(({ open }) => open > 0).map(({ guideline }) => guideline))];
  if (!guidelines.length)
    return (
      <div class="card quiet-card">
        <h2>Nothing waits for you</h2>
        <p class="soft">
          Documents come here when their labels are in doubt, or to check the ones that were accepted. Send some with{" "}
          <code>POST /v1/documents</code>; this page shows them as soon as they are labeled.
        </p>
      </div>
    );
  return (
    <ul class="queues">
      {guidelines.map((guideline) => (
        <QueueCard key={guideline} queues={queues.filter((each) => each.guideline === guideline && each.open > 0)} />
      ))}
    </ul>
  );
}

function QueueCard({ queues }: { queues: Queue[] }): VNode | null {
  const first = queues[0];
  if (!first) return null;
  const reviews = queues.filter(({ kind }) => kind !== "adjudication");
  const adjudications = queues.filter(({ kind }) => kind === "adjudication");
  const open = total(reviews);
  const held = reviews.reduce((sum, { leased }) => sum + leased, 0);
  const time = reviews.some(({ seconds_to_clear }) => seconds_to_clear === null)
    ? null
    : reviews.reduce((sum, { seconds_to_clear }) => sum + (seconds_to_clear ?? 0), 0);
  const timeLeft = time === null ? "time not known yet" : `about ${duration(time)}`;
  const languages = [...new Set(reviews.map(({ language }) => language).filter((each) => each !== null))];
  return (
    <li class="card queue">
      <div class="queue-head">
        <h2>
          <a href={href(open > 0 ? "review" : "adjudication", first.guideline)}>{first.title}</a>
        </h2>
        <span class="small soft">{first.guideline}</span>
      </div>
      {open > 0 && (
        <p class="queue-count">
          <strong class="number">{open.toLocaleString("en")}</strong> {open === 1 ? "item" : "items"}
          <span class="soft"> · {held >= open ? "all with reviewers now" : timeLeft}</span>
        </p>
      )}
      <div class="row">
        {open > 0 && (
          <a class="button button-primary" href={href("review", first.guideline)} aria-label={`Review ${first.title}`}>
            Review
          </a>
        )}
        {kinds(reviews).map(([kind, n]) => (
          <a key={kind} class="chip" href={href("review", first.guideline, { kind })}>
            {KINDS[kind]} <span class="number">{n}</span>
          </a>
        ))}
        {open > 1 && (
          <a class="chip" href={href("review", first.guideline, { order: "oldest" })}>
            oldest first
          </a>
        )}
        {languages.length > 1 &&
          languages.map((language) => (
            <a key={language} class="chip" href={href("review", first.guideline, { language })} lang={language}>
              {language}
              <span class="number">{total(reviews.filter((each) => each.language === language))}</span>
            </a>
          ))}
        {adjudications.length > 0 && (
          <a class="chip chip-warn" href={href("adjudication", first.guideline)}>
            {KINDS.adjudication} <span class="number">{total(adjudications)}</span>
          </a>
        )}
      </div>
    </li>
  );
}

const total = (queues: readonly Queue[]): number => queues.reduce((sum, { open }) => sum + open, 0);

function kinds(queues: readonly Queue[]): [Queue["kind"], number][] {
  const found = [...new Set(queues.map(({ kind }) => kind))];
  return found.map((kind) => [kind, total(queues.filter((each) => each.kind === kind))]);
}

interface Counted {
  queues: Queue[] | null;
  problem: string | null;
  again(): void;
}

function useQueues(): Counted {
  const [queues, setQueues] = useState<Queue[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    let gone = false;
    const count = (): void => {
      if (document.hidden && queues) return;
      get<{ queues: Queue[] }>("/v1/reviews/queues").then(
        (found) => {
          if (gone) return;
          setQueues(found.queues);
          setProblem(null);
        },
        (error: unknown) => gone || setProblem(inWords(error)),
      );
    };
    count();
    const timer = setInterval(count, EVERY);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [asked]);
  return { queues, problem, again: () => setAsked((n) => n + 1) };
}

