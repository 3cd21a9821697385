import type { Review } from "../api/types";
import type { Held } from "./hand";
import type { Refusal } from "./outbox";

/** Everything the page shows of an engine, at one moment. */
export interface Snapshot {
  phase: "resting" | "loading" | "deciding" | "empty" | "failed";
  current: Held | null;
  /** Items that wait behind the one on the screen. */
  ahead: Review[];
  waiting: { open: number; leased: number } | null;
  /** Why items could not be fetched. */
  error: string | null;
  online: boolean;
  /** Decisions that the service has not taken yet. */
  unsent: number;
  /** The service answers, and yet does not take them for now. */
  delayed: boolean;
  lasting: boolean;
  refusals: Refusal[];
  decided: number;
  /** Items that this reviewer skipped in this sitting and that nobody has decided yet. */
  skipped: number;
  notice: Notice | null;
}

/** Something the reviewer should know, said once; `id` tells two equal ones apart. */
export interface Notice {
  id: number;
  tone: "plain" | "warn";
  words: string;
}
