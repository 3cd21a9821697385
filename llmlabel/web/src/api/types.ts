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
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  field?: string;
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

export interface QualityDetail {
  reliability: { n: number; ece: number | null; brier: number | null; auroc: number | null; bins: ReliabilityBin[] };
  /** Thresholds from high to low: the share accepted, and the risk of what is accepted. */
  risk_coverage: { threshold: number; coverage: number; risk: number; bound: number | null }[];
  confusion: { labels: string[]; counts: number[][] } | null;
  throughput: {
    reviewer: string;
    decided: number;
    median_seconds: number | null;
    per_hour: number | null;
    benchmarks: number;
    wrong: number;
    error: number | null;
    error_high: number | null;
  }[];
  agreement: Agreement | null;
  waiting: Queue[];
}

export interface Agreement {
  guideline: string;
  panels: number;
  settled: number;
  adjudicated: number;
  krippendorff: number | null;
  fleiss: number | null;
  /** Mean of pairwise span F1; of spans only. */
  span_f1: number | null;
  pairs: { reviewers: [string, string]; n: number; agreement: number; cohen: number | null }[];
}

export interface Quality {
  guideline: string;
  state: "certified" | "closed" | "unproved" | "threshold";
  promise: { kind: "delivered" | "accepted"; error: number; probability: number } | null;
  gate: { open: boolean; reason: string; closed_at: string | null };
  audit_rate: number;
  certificate: {
    id: string;
    threshold: number | null;
    n: number;
    observed_risk: number | null;
    bound: number | null;
    coverage: number;
    created_at: string;
  } | null;
  audits: Interval & { accepted: number; done: number; pending: number };
  drift: {
    day: string;
    documents: number;
    drifted: boolean;
    signs: string[];
    confidence_index: number | null;
    label_index: number | null;
    novel_share: number | null;
    words: string;
  }[];
  counts: Record<string, number>;
  detail?: QualityDetail | null;
}
