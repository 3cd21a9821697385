import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { identify, post } from "../api/client";
import type { Answer, Review as Item, Taken } from "../api/types";
import { preload, taskFor } from "../tasks";

interface Props {
  queue: "review" | "adjudication";
  guideline: string | null;
  query: Record<string, string>;
}

export function Review({ queue, guideline }: Props): VNode {
  const [item, setItem] = useState<Item | null>(null);
  const [draft, setDraft] = useState<Answer | null>(null);
  useEffect(() => {
    identify({ reviewer: "ann", session: crypto.randomUUID() });
    void post<Taken>("/v1/reviews/take", { count: 1, guideline, queue }).then(({ reviews }) => {
      preload(reviews);
      setItem(reviews[0] ?? null);
      setDraft(reviews[0]?.proposal?.answer ?? null);
    });
  }, [guideline, queue]);
  if (!item) return <p>Loading…</p>;
  const Task = taskFor(item);
  return <Task key={item.id} item={item} draft={draft} onDraft={setDraft} onDecide={() => undefined} />;
}
