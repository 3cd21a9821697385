"""One example per shape, all about the same two documents; tests check each against its schema."""

from __future__ import annotations

from typing import Any, Final

_TEXT = "Maria Lopez loved the concert in Oslo, but the tickets were far too expensive."
_SHA256 = "9b0ff2e4a2b1e5cd0df2d1a7b3f7bcb8b4a4e02f3a6d4f1c8c5a6e7d9f0a1b2c"
_WHEN = "2026-03-05T09:30:00Z"
_LATER = "2026-03-05T09:35:00Z"

_failure = {
    "code": "model-unreachable",
    "detail": "The provider could not be reached; ask for the document anew when it can.",
}
_recording = {
    "sha256": _SHA256,
    "file_name": "voicemail.ogg",
    "media_type": "audio/ogg",
    "bytes": 48213,
}
_span = {"start": 0, "end": 11, "label": "PERSON"}
_choice = {"kind": "choice", "label": "mixed"}
_spans = {"kind": "spans", "spans": [_span, {"start": 33, "end": 37, "label": "LOCATION"}]}
_source = {
    "labeler": "llm",
    "model": "qwen2.5-coder-1.5b-instruct",
    "prompt": "choice@1.0.0",
    "prompt_sha256": _SHA256,
    "examples": ["s04", "s08"],
    "seconds": 0.31,
    "prompt_tokens": 412,
    "completion_tokens": 0,
    "cost_usd": 0.0,
    "cached": False,
}
_unit = {
    "start": 0,
    "end": 11,
    "label": "PERSON",
    "probability": 0.97,
    "evidence": {"min_transition": 0.97},
    "kept": True,
    "by": ["spacy"],
}
_prediction = {
    "outcome": "answered",
    "answer": _choice,
    "probability": 0.71,
    "method": "label_path",
    "evidence": {"margin": 0.48},
    "scores": {"positive": 0.03, "negative": 0.23, "neutral": 0.03, "mixed": 0.71},
    "source": _source,
}
_confidence = {"value": 0.71, "method": "label_path", "calibrated": False}
_label_source = {
    "guideline_sha256": _SHA256,
    "threshold": 0.8,
    "verified": False,
    "created_at": _WHEN,
    "opinions": [_prediction],
}
_promise = {"kind": "delivered", "error": 0.05, "probability": 0.95}
_label = {
    "id": "review-17",
    "text_sha256": _SHA256,
    "guideline": "sentiment@1.0.0",
    "answer": _choice,
    "confidence": _confidence,
    "route": "review",
    "reason": "calibrated confidence 0.71 is below the certified threshold 0.84",
    "promise": _promise,
    "certificate": "c-5b1f",
    "source": _label_source,
    "units": [],
}
_request = {"guideline": "sentiment@1.0.0", "status": "done", "failure": None}
_document_in = {
    "id": "review-17",
    "text": _TEXT,
    "guidelines": ["sentiment", "ner@1.0.0"],
    "language": "en",
    "metadata": {"channel": "web"},
}
_documents_in: dict[str, Any] = {
    "documents": [
        {"id": "review-17", "text": _TEXT},
        {"text": "When does the box office open?", "guidelines": ["intent"]},
    ],
    "guidelines": ["sentiment"],
}
_summary = {
    "id": "review-17",
    "url": "/v1/documents/review-17",
    "status": "review",
    "language": "en",
    "metadata": {"channel": "web"},
    "recording": None,
    "failure": None,
    "requests": [_request],
    "created_at": _WHEN,
}
_labeled = {**_summary, "labels": [_label]}
_document = {
    **_labeled,
    "text": _TEXT,
    "text_sha256": _SHA256,
    "transcript": None,
    "verified_text": None,
    "verified_spans": None,
    "notes": [],
}
_word = {"start": 0, "end": 5, "begin_seconds": 0.4, "end_seconds": 0.8, "probability": 0.93}
_segment = {
    "start": 0,
    "end": 78,
    "begin_seconds": 0.4,
    "end_seconds": 5.9,
    "no_speech_probability": 0.02,
    "mean_log_probability": -0.21,
    "compression_ratio": 1.1,
}
_transcript = {
    "model": "whisper-base int8",
    "language": "en",
    "language_probability": 0.98,
    "duration_seconds": 6.4,
    "speech_seconds": 5.5,
    "segments": [_segment],
    "words": [_word],
    "warnings": [],
}
_definition = {
    "name": "mixed",
    "definition": "praise and blame side by side, neither outweighing the other",
    "spacy": [],
}
_clause = {"id": "SENT-4", "text": "Praise and blame of equal weight are `mixed`."}
_step = {"name": "llm", "when": "always", "doubt": 0.9, "model": None}
_policy = {"threshold": 0.8, "loss": "exact", "max_examples": 16, "shortlist": 20}
_guideline_summary = {
    "ref": "sentiment@1.0.0",
    "name": "sentiment",
    "version": "1.0.0",
    "kind": "choice",
    "title": "Sentiment",
    "question": "Which opinion or feeling does the writer of this text express?",
    "labels": ["positive", "negative", "neutral", "mixed"],
    "threshold": 0.8,
    "sha256": _SHA256,
}
_example = {
    "id": "s04",
    "text": "Gorgeous screen, but the speakers crackle at any volume.",
    "label": "mixed",
    "clause": "SENT-4",
}
_certificate: dict[str, Any] = {
    "id": "c-5b1f",
    "guideline": "sentiment@1.0.0",
    "status": "active",
    "reason": "of 400 gold labels 262 reach the threshold 0.84; 2.5% of all labels delivered are "
    "wrong, at most 4.5% with probability 97.5%, within the promised 5%",
    "promise": _promise,
    "loss": "exact",
    "n": 400,
    "attempt": 1,
    "threshold": 0.84,
    "observed_risk": 0.025,
    "bound": 0.0454,
    "reviewer_error": None,
    "coverage": 0.655,
    "floor": 0.21,
    "further_gold": 310,
    "gold_since": None,
    "assumptions": ["The gold is right: the people who verified it made no mistakes."],
    "pipeline": {"guideline": "sentiment@1.0.0", "training": "t-77aa"},
    "pipeline_sha256": _SHA256,
    "guideline_sha256": _SHA256,
    "created_at": _WHEN,
    "ended_at": None,
}
_certification = {
    "id": "c-5b1f",
    "url": "/v1/certificates/c-5b1f",
    "guideline": "sentiment@1.0.0",
    "status": "done",
    "failure": None,
    "certificate": _certificate,
}
_gate = {
    "open": True,
    "reason": "",
    "closed_at": None,
    "gold_since": None,
    "audit_rate": None,
}
_audits = {
    "accepted": 1310,
    "done": 61,
    "pending": 4,
    "estimate": 0.021,
    "low": 0.004,
    "high": 0.081,
}
_drift = {
    "day": "2026-03-05",
    "documents": 240,
    "drifted": False,
    "signs": [],
    "confidence_index": 0.03,
    "label_index": 0.02,
    "novel_share": 0.04,
    "words": "240 documents look like the certificate's 400",
}
_routes = {"accepted": 1310, "review": 690, "waiting": 12, "decisions": 739}
_quality = {
    "guideline": "sentiment@1.0.0",
    "title": "Sentiment",
    "state": "certified",
    "promise": _promise,
    "threshold": 0.87,
    "gate": _gate,
    "audit_rate": 0.05,
    "certificate": _certificate,
    "last": _certificate,
    "audits": _audits,
    "drift": [_drift],
    "counts": _routes,
}
_check: dict[str, Any] = {"name": "disk", "ok": True, "reason": None}
_model = {"name": "whisper-base", "state": "available", "remedy": None}
_field_problem = {"field": "documents.1.text", "message": "The text is empty or only white space."}

EXAMPLES: Final[dict[str, Any]] = {
    "Erased": {
        "documents": 1,
        "labels": 3,
        "predictions": 4,
        "reviews": 1,
        "verdicts": 1,
        "gold": 0,
        "benchmarks": 0,
        "flags": 0,
        "messages": 2,
        "recordings": 1,
        "answers": 1,
        "events": 2,
        "trainings": 1,
        "compacted": True,
    },
    "Alive": {"status": "ok", "version": "0.1.0"},
    "AudioForm": {"file": "voicemail.ogg", "guidelines": ["transcription"], "language": "en"},
    "AuditQuality": _audits,
    "CertificateOut": _certificate,
    "CertificatesOut": {"certificates": [_certificate]},
    "CertificationIn": {"guideline": "sentiment", "promise": _promise},
    "CertificationOut": _certification,
    "ChoiceAnswer": _choice,
    "Clause": _clause,
    "Confidence": _confidence,
    "DocumentIn": _document_in,
    "DocumentItem": _documents_in["documents"][0],
    "DocumentLabeled": _labeled,
    "DocumentOut": _document,
    "DocumentPage": {"documents": [_summary], "next_cursor": "ZDQx"},
    "DocumentSummary": _summary,
    "DocumentsIn": _documents_in,
    "DocumentsOut": {"documents": [_labeled]},
    "DriftQuality": _drift,
    "Example": _example,
    "Failure": _failure,
    "FieldProblem": _field_problem,
    "Gate": _gate,
    "Guideline": {
        "name": "sentiment",
        "version": "1.0.0",
        "kind": "choice",
        "title": "Sentiment",
        "question": "Which opinion or feeling does the writer of this text express?",
        "labels": [_definition],
        "labelers": [_step],
        "prompt": "choice@1.0.0",
        "policy": _policy,
        "clauses": [_clause],
        "examples": [_example],
        "body": "Judge the text as a whole …",
        "sha256": _SHA256,
    },
    "GuidelineSummary": _guideline_summary,
    "GuidelinesOut": {"guidelines": [_guideline_summary], "broken": []},
    "JsonValue": {"channel": "web"},
    "LabelDefinition": _definition,
    "LabelOut": _label,
    "LabelSource": _label_source,
    "LabelerStep": _step,
    "LabelsOut": {"labels": [_label]},
    "ModelReadiness": _model,
    "Outcome": "answered",
    "Policy": _policy,
    "Prediction": _prediction,
    "Problem": {
        "type": "urn:llmlabel:problem:empty-text",
        "title": "Empty text",
        "status": 422,
        "detail": "The text is empty or only white space; send at least one word.",
        "errors": [_field_problem],
        "request_id": "4f9c2b7d",
    },
    "Promise": _promise,
    "QualitiesOut": {"guidelines": [_quality]},
    "QualityOut": _quality,
    "Ready": {
        "status": "ready",
        "store": "ok",
        "checks": [_check],
        "models": [_model],
        "providers": [],
    },
    "CheckOut": _check,
    "Recording": _recording,
    "RequestOut": _request,
    "Route": "review",
    "RouteCounts": _routes,
    "Segment": _segment,
    "Source": _source,
    "Span": _span,
    "SpansAnswer": _spans,
    "TokensAnswer": {"kind": "tokens", "tokens": [{"start": 0, "end": 5, "label": "PROPN"}]},
    "Transcript": _transcript,
    "TranscriptAnswer": {"kind": "transcript", "text": _TEXT},
    "Unit": _unit,
    "Word": _word,
}
"""By the schema's name in /openapi.json."""

BODIES: Final[dict[str, dict[str, Any]]] = {
    "documents_submit": {
        "one": {"summary": "One text", "value": _document_in},
        "several": {"summary": "Several texts", "value": _documents_in},
    },
}
"""Examples of bodies by the operation's id."""
