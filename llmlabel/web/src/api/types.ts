// The shapes of /v1 that the page uses. Offsets count code points; `end` is exclusive.

export type Kind = "choice" | "spans" | "tokens" | "transcript";

export interface Span {
  start: number;
  end: number;
  label: string;
}

export type Answer =
  | { kind: "choice"; label: string }
  | { kind: "spans"; spans: Span[] }
  | { kind: "tokens"; tokens: Span[] }
  | { kind: "transcript"; text: string };

export interface Confidence {
  value: number;
  method: string;
  calibrated: boolean;
  calibrator?: string | null;
  n?: number | null;
}

/** A span or token with its own evidence; `kept` is false for one that was left out. */
export interface Unit {
  start: number;
  end: number;
  label: string;
  probability: number | null;
  evidence: Record<string, number>;
  kept: boolean;
  by: string[];
  alternative: string | null;
  begin_seconds: number | null;
  end_seconds: number | null;
  note: string | null;
}

export interface Opinion {
  outcome: "answered" | "unreadable" | "refused" | "truncated" | "unreachable" | "unsupported";
  answer: Answer | null;
  probability: number | null;
  method: string;
  scores: Record<string, number>;
  units: Unit[];
  source: { labeler: string; model: string; prompt: string | null; seconds: number };
  detail: string;
}

export interface Word {
  start: number;
  end: number;
  begin_seconds: number;
  end_seconds: number;
  probability: number;
}

export interface Segment {
  start: number;
  end: number;
  begin_seconds: number;
  end_seconds: number;
}

export interface Transcript {
  model: string;
  language: string;
  duration_seconds: number;
  segments: Segment[];
  words: Word[];
  warnings: string[];
}

export interface ReviewedDocument {
  id: string;
  /** Null only where a blind reviewer has to write the transcript. */
  text: string | null;
  language: string | null;
  metadata: Record<string, unknown>;
  recording: { sha256: string; file_name: string; media_type: string | null; bytes: number } | null;
  transcript: Transcript | null;
}

export interface LabelDefinition {
  name: string;
  definition: string;
}

export interface Clause {
  id: string;
  text: string;
}

export interface Guideline {
  ref: string;
  kind: Kind;
  title: string;
  question: string;
  labels: LabelDefinition[];
  clauses: Clause[];
  /** Markdown. */
  body: string;
}

export interface Lease {
  review_id: string;
  reviewer: string;
  token: number;
  expires_at: string;
}

export type VerdictKind = "confirm" | "correct" | "reject" | "skip";

export interface Verdict {
  review_id: string;
  reviewer: string;
  kind: VerdictKind;
  answer: Answer | null;
  comment: string | null;
  seconds: number | null;
  created_at: string;
}

export type ReviewKind =
  | "doubt"
  | "audit"
  | "forced"
  | "breach"
  | "relabel"
  | "adjudication"
  | "benchmark";

export interface Proposal {
  answer: Answer | null;
  confidence: Confidence | null;
  reason: string;
  units: Unit[];
}

/** An item of the queue. Of a blind one, everything said of it is null. */
export interface Review {
  id: string;
  status: "open" | "done" | "withdrawn";
  blind: boolean;
  queue: "review" | "adjudication";
  kind: ReviewKind | null;
  reason: string | null;
  document: ReviewedDocument;
  proposal: Proposal | null;
  scores: Record<string, number> | null;
  opinions: Opinion[] | null;
  /** Of an adjudication: what each member of the panel said; names are withheld. */
  answers: { by: string; answer: Answer | null; kind: VerdictKind; comment: string | null }[] | null;
  /** Of a blind item of the kind `tokens`: the tokens to label. */
  tokens: { start: number; end: number }[] | null;
  guideline: Guideline;
  lease: Lease | null;
  verdict: Verdict | null;
  created_at: string;
}

export interface Taken {
  reviews: Review[];
  waiting: { open: number; leased: number };
}

export interface Queue {
  guideline: string;
  title: string;
  kind: "doubt" | "forced" | "breach" | "relabel" | "blind" | "adjudication";
  language: string | null;
  open: number;
  leased: number;
  oldest_at: string | null;
  median_seconds: number | null;
  seconds_to_clear: number | null;
}

export interface Renewed {
  id: string;
  expires_at: string | null;
  code: string | null;
  detail: string | null;
  winner: Verdict | null;
}

/** RFC 9457. */
export interface ProblemBody {
  /** `urn:llmlabel:problem:` and the stable name of the kind of error. */
  type: string;
  title: string;
  status: number;
  detail: string;
  errors: { field: string; message: string }[];
  request_id: string;
  /** Of `already-reviewed`: the verdict that stands. */
  winner?: Verdict;
}

export interface Interval {
  estimate: number | null;
  low: number;
  high: number;
}

/** One bin of a reliability diagram. */
export interface ReliabilityBin {
  low: number;
  high: number;
  n: number;
  confidence: number;
  accuracy: number;
}

/** What a threshold would accept. */
export interface RiskPoint {
  threshold: number;
  /** Share of the documents. */
  coverage: number;
  /** Mean loss of what is accepted. */
  risk: number;
  /** Upper 95% bound of the risk at this threshold alone. */
  bound: number | null;
}

/** Of checked answers that chance chose; each stands for as many documents as its chance says. */
export interface QualityDetail {
  /** Checked answers that count, and those whose confidence was made otherwise. */
  n: number;
  left_out: number;
  /** What makes the confidences now; null while they are the labelers' own. */
  calibrator: string | null;
  /** Answers at or above it are accepted now. */
  threshold: number | null;
  reliability: { n: number; ece: number | null; brier: number | null; auroc: number | null; bins: ReliabilityBin[] };
  /** Thresholds from high to low. */
  risk_coverage: RiskPoint[];
  /** At the threshold; null where nothing passes. */
  active: RiskPoint | null;
  /** Verified labels (rows) against proposed ones (columns). */
  confusion: Confusion | null;
  throughput: Throughput[];
  agreement: Agreement | null;
  waiting: Queue[];
}

export interface Confusion {
  labels: string[];
  counts: number[][];
}

export interface Throughput {
  reviewer: string;
  decided: number;
  median_seconds: number | null;
  per_hour: number | null;
  /** Hidden items with a known answer, and how many of those were decided wrongly. */
  benchmarks: number;
  wrong: number;
  error: number | null;
  /** Its upper bound at 95%. */
  error_high: number | null;
}

export interface Agreement {
  guideline: string;
  panels: number;
  settled: number;
  adjudicated: number;
  /** What kappas and alpha count. */
  compared: "documents" | "tokens" | "words";
  krippendorff: number | null;
  fleiss: number | null;
  /** Over all pairs of members; of spans only. */
  span_f1: number | null;
  /** Share of tokens labeled the same; of tokens only. */
  token_agreement: number | null;
  /** Most documents in common first. */
  pairs: { reviewers: [string, string]; n: number; agreement: number; cohen: number | null }[];
  /** Why a coefficient is null, by its name. */
  reasons: Record<string, string>;
}

export interface Certificate {
  id: string;
  status: "active" | "infeasible" | "declined" | "superseded" | "void" | "breached" | "withdrawn";
  /** What was found, or why it ended. */
  reason: string;
  n: number;
  attempt: number;
  threshold: number | null;
  observed_risk: number | null;
  bound: number | null;
  reviewer_error: number | null;
  coverage: number;
  floor: number;
  further_gold: number | null;
  assumptions: string[];
  created_at: string;
  ended_at: string | null;
}

/** One day (UTC) against the gold that certified. */
export interface DriftDay {
  day: string;
  documents: number;
  drifted: boolean;
  signs: string[];
  confidence_index: number | null;
  label_index: number | null;
  novel_share: number | null;
  words: string;
}

export interface Quality {
  guideline: string;
  /** Of the guideline. */
  title: string;
  state: "certified" | "closed" | "unproved" | "threshold";
  promise: { kind: "delivered" | "accepted"; error: number; probability: number } | null;
  /** Answers at or above it are accepted now; null where none is. */
  threshold: number | null;
  gate: { open: boolean; reason: string; closed_at: string | null };
  audit_rate: number;
  /** The active one. */
  certificate: Certificate | null;
  /** The newest, whatever became of it. */
  last: Certificate | null;
  audits: Interval & { accepted: number; done: number; pending: number };
  drift: DriftDay[];
  counts: { accepted: number; review: number; waiting: number; decisions: number };
  detail?: QualityDetail | null;
}

/** A reviewer's remark on a guideline. */
export interface Flag {
  id: string;
  review_id: string;
  document_id: string;
  guideline: string;
  clause: string | null;
  reviewer: string;
  comment: string;
  created_at: string;
  resolved_at: string | null;
  resolved_by: string | null;
  resolution: string | null;
}
