from __future__ import annotations

from llmlabel.domain.prediction import Outcome, Prediction, Source
from llmlabel.errors import (
    CircuitOpen,
    ModelBusy,
    ModelError,
    ModelRefused,
    ModelRejected,
    ModelUnreachable,
    ReplyTruncated,
    ReplyUnreadable,
)

_OUTCOMES: tuple[tuple[type[ModelError], Outcome], ...] = (
    (ReplyTruncated, Outcome.TRUNCATED),
    (ReplyUnreadable, Outcome.UNREADABLE),
    (ModelRefused, Outcome.REFUSED),
    (ModelRejected, Outcome.UNSUPPORTED),
    (ModelUnreachable, Outcome.UNREACHABLE),
    (ModelBusy, Outcome.UNREACHABLE),
)


def failed(error: ModelError, source: Source) -> Prediction:
    """The prediction of a labeler whose model gave no usable answer: an outcome, not a label."""
    for kind, outcome in _OUTCOMES:
        # A provider that is left alone concerns all documents: they wait until it is back.
        if isinstance(error, kind) and not isinstance(error, CircuitOpen):
            return Prediction(outcome=outcome, source=source, detail=error.detail)
    raise error  # concerns the model as a whole: a key, missing weights
