"""From a labeler's own estimate to a confidence that says how it was got."""

from __future__ import annotations

from typing import Protocol

from llmlabel.domain.confidence import Confidence
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction


class Calibrator(Protocol):
    """Maps the evidence of an answered prediction to the probability that it is right."""

    def confidence(self, prediction: Prediction, guideline: Guideline) -> Confidence:
        """The confidence in one answer.

        Raises:
            ValueError: The prediction carries no answer.
        """
        ...


class RawCalibrator:
    """Passes the labeler's own probability on, and says that nothing was fitted.

    It stands in until verified labels of a guideline version exist to fit a calibrator on.
    """

    def confidence(self, prediction: Prediction, guideline: Guideline) -> Confidence:
        """The labeler's own probability, marked `calibrated: false`."""
        if prediction.probability is None:
            raise ValueError("a prediction without an answer has no confidence")
        return Confidence(value=prediction.probability, method=prediction.method)
