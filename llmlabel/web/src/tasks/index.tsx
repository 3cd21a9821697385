import type { ComponentType, VNode } from "preact";
import type { Review } from "../api/types";
import { lazy, type Lazy } from "../lazy";
import { Choice } from "./Choice";
import type { TaskProps } from "./task";

const Spans = lazy<TaskProps>(() => import("./spans/Spans").then((file) => file.Spans));
const Tokens = lazy<TaskProps>(() => import("./tokens/Tokens").then((file) => file.Tokens));
const Transcript = lazy<TaskProps>(() => import("./transcript/Transcript").then((file) => file.Transcript));
const Adjudication = lazy<TaskProps>(() =>
  import("./adjudication/Adjudication").then((file) => file.Adjudication),
);

const RecordingPlayer = lazy<{ item: Review }>(() =>
  import("./transcript/RecordingPlayer").then((file) => file.RecordingPlayer),
);

/** The sound beside a task about what was said; a transcript's task plays it itself. */
export function Recording({ item }: { item: Review }): VNode | null {
  if (!item.document.recording || item.guideline.kind === "transcript") return null;
  return (
    <>
      <RecordingPlayer item={item} />
      <p class="small soft">
        The text is what the machine heard. Decide by these words: where the transcript is corrected, spans move to the corrected text by themselves.
      </p>
    </>
  );
}

/** The component that decides an item. */
export function taskFor(item: Review): ComponentType<TaskProps> | Lazy<TaskProps> {
  if (item.answers) return Adjudication;
  switch (item.guideline.kind) {
    case "choice":
      return Choice;
    case "spans":
      return Spans;
    case "tokens":
      return Tokens;
    case "transcript":
      return Transcript;
  }
}

/** Fetch what the items in hand will need before they are shown. */
export function preload(items: readonly Review[]): void {
  for (const item of items) {
    const task = taskFor(item);
    if ("preload" in task) task.preload();
  }
}
