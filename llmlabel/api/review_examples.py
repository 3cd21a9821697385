"""Examples of reviews, by the schema's name in /openapi.json, and of their bodies."""

from __future__ import annotations

from typing import Any, Final

from llmlabel.api.examples import EXAMPLES

_WHEN = "2026-03-05T09:30:00Z"
_LATER = "2026-03-05T09:35:00Z"
_QUESTION = "Which opinion or feeling does the writer of this text express?"

_label = EXAMPLES["LabelOut"]
_document = EXAMPLES["DocumentOut"]
_choice = EXAMPLES["ChoiceAnswer"]

_guideline = {
    "ref": "sentiment@1.0.0",
    "kind": "choice",
    "title": "Sentiment",
    "question": _QUESTION,
    "labels": [EXAMPLES["LabelDefinition"]],
    "clauses": [EXAMPLES["Clause"]],
    "body": "Judge the text as a whole …",
}
_lease = {"review_id": "r-41", "reviewer": "maria", "token": 3, "expires_at": _LATER}
_said = {
    "reviewer": "maria",
    "kind": "confirm",
    "answer": _choice,
    "comment": "Praise for the concert, blame for the price.",
    "seconds": 6.5,
    "created_at": _LATER,
}
_verdict = {"review_id": "r-41", **_said}
_correction = {
    "token": 3,
    "kind": "correct",
    "answer": {"kind": "choice", "label": "positive"},
    "seconds": 6.5,
}
_summary = {
    "id": "r-41",
    "status": "open",
    "blind": False,
    "kind": "doubt",
    "document_id": "review-17",
    "guideline": "sentiment@1.0.0",
    "reason": "The confidence 0.71 is below the threshold 0.8.",
    "priority": 0.29,
    "lease": _lease,
    "verdict": None,
    "created_at": _WHEN,
}
_counts = {"open": 12, "leased": 1, "done": 340, "oldest_open_at": _WHEN}
_reviewed = {
    key: _document[key]
    for key in ("id", "text", "text_sha256", "language", "metadata", "recording", "transcript")
}
_review = {
    "id": "r-41",
    "status": "open",
    "blind": False,
    "queue": "review",
    "kind": "doubt",
    "reason": "The confidence 0.71 is below the threshold 0.8.",
    "document": _reviewed,
    "proposal": _label,
    "scores": {"mixed": 0.71, "negative": 0.23, "positive": 0.03, "neutral": 0.03},
    "opinions": [EXAMPLES["Prediction"]],
    "answers": None,
    "tokens": None,
    "guideline": _guideline,
    "lease": _lease,
    "verdict": None,
    "created_at": _WHEN,
}
_seat = {"by": "A", "kind": "correct", "answer": _choice, "comment": None}
_renewed = {"id": "r-41", "expires_at": _LATER, "code": None, "detail": None, "winner": None}
_queue = {
    "guideline": "sentiment@1.0.0",
    "title": "Sentiment",
    "kind": "doubt",
    "language": "en",
    "open": 12,
    "leased": 1,
    "oldest_at": _WHEN,
    "median_seconds": 5.5,
    "seconds_to_clear": 66.0,
}
_waiting = {"open": 12, "leased": 1}
_leases = {"leases": [{"id": "r-41", "token": 3}]}

REVIEWS: Final[dict[str, Any]] = {
    "GuidelineForReview": _guideline,
    "HeldLease": _leases["leases"][0],
    "HistoryOut": {"verdicts": [{**_said, "undone": False}]},
    "Lease": _lease,
    "LeaseIn": {"token": 3},
    "LeasesIn": _leases,
    "QueueOut": _queue,
    "QueuesOut": {"queues": [_queue]},
    "ReleasedOut": {"released": 1},
    "Renewal": _renewed,
    "RenewedOut": {"leases": [_renewed]},
    "ReviewCounts": _counts,
    "ReviewOut": _review,
    "ReviewSummary": _summary,
    "ReviewedDocument": _reviewed,
    "ReviewsOut": {"reviews": [_summary], "next_cursor": None, "counts": _counts},
    "SeatAnswer": _seat,
    "TakeIn": {"count": 10, "guideline": "sentiment", "order": "oldest"},
    "TakenOut": {"reviews": [_review], "waiting": _waiting},
    "TokenOffsets": {"start": 0, "end": 5},
    "Verdict": _verdict,
    "VerdictIn": _correction,
    "VerdictOut": {**_said, "undone": False},
    "Waiting": _waiting,
}

REVIEW_BODIES: Final[dict[str, dict[str, Any]]] = {
    "reviews_verdict": {
        "confirm": {"summary": "The proposal is right", "value": {"token": 3, "kind": "confirm"}},
        "correct": {"summary": "Another answer is right", "value": _correction},
        "reject": {
            "summary": "No answer is right",
            "value": {"token": 3, "kind": "reject", "comment": "Not a sentence."},
        },
        "skip": {"summary": "Someone else should decide", "value": {"token": 3, "kind": "skip"}},
    },
    "reviews_take": {
        "ahead": {"summary": "The next ten", "value": {"count": 10}},
        "adjudication": {
            "summary": "What panels could not agree on",
            "value": {"queue": "adjudication"},
        },
        "blind": {
            "summary": "Blind items of one guideline",
            "value": {"count": 5, "guideline": "sentiment", "kind": "blind"},
        },
    },
}
"""Examples of bodies by the operation's id."""
