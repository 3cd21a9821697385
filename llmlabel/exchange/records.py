"""The one JSON form of a label, in files and over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmlabel.domain.label import Label


def label_record(label: Label) -> dict[str, Any]:
    """A label as JSON values, in the order in which a person reads it.

    `answer` and `confidence` are null when no labeler gave an answer. `source` says who made it:
    the guideline's hash, the threshold and what each labeler said, failures included.
    `promise` and `certificate` are null where the route rests on a bare threshold.
    Whether a document is audited is no part of it: auditors must not learn it.
    """
    return record_of(label.model_dump(mode="json"))


def record_of(dumped: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a label that is JSON already, as the store keeps it."""
    confidence = dumped["confidence"]
    if confidence is not None:
        optional = ("calibrator", "n")
        confidence = {k: v for k, v in confidence.items() if k not in optional or v is not None}
    return {
        "id": dumped["document_id"],
        "text_sha256": dumped["text_sha256"],
        "guideline": dumped["guideline"],
        "answer": dumped["answer"],
        "confidence": confidence,
        "route": dumped["route"],
        "reason": dumped["reason"],
        # A label that an earlier release kept may lack what it did not know of.
        "promise": dumped.get("promise"),
        "certificate": dumped.get("certificate"),
        "source": {
            "guideline_sha256": dumped["guideline_sha256"],
            "threshold": dumped["threshold"],
            "verified": dumped.get("verified", False),
            "created_at": dumped["created_at"],
            "opinions": dumped["opinions"],
        },
        "units": dumped.get("units", []),
    }
