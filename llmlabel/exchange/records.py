"""The one JSON form of a label, in files and over HTTP."""

from __future__ import annotations

from typing import Any

from llmlabel.domain.label import Label


def label_record(label: Label) -> dict[str, Any]:
    """A label as JSON values, in the order in which a person reads it.

    `answer` and `confidence` are null when no labeler gave an answer. `source` says who made it:
    the guideline's hash, the threshold and what each labeler said, failures included.
    `promise` and `certificate` are null where the route rests on a bare threshold.
    Whether a document is audited is no part of it: auditors must not learn it.
    """
    dumped = label.model_dump(mode="json")
    confidence = dumped["confidence"]
    if confidence is not None:
        optional = ("calibrator", "n")
        confidence = {k: v for k, v in confidence.items() if k not in optional or v is not None}
    return {
        "id": label.document_id,
        "text_sha256": label.text_sha256,
        "guideline": label.guideline,
        "answer": dumped["answer"],
        "confidence": confidence,
        "route": label.route.value,
        "reason": label.reason,
        "promise": dumped["promise"],
        "certificate": label.certificate,
        "source": {
            "guideline_sha256": label.guideline_sha256,
            "threshold": label.threshold,
            "verified": label.verified,
            "created_at": dumped["created_at"],
            "opinions": dumped["opinions"],
        },
        "units": dumped["units"],
    }
