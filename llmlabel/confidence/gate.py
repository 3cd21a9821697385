"""From a confidence to a route, with the reason in words."""

from __future__ import annotations

from dataclasses import dataclass

from llmlabel.domain.confidence import Confidence
from llmlabel.domain.label import Route
from llmlabel.domain.prediction import Outcome, Prediction

_WHY_NO_ANSWER = {
    Outcome.UNREADABLE: "the model's reply could not be read",
    Outcome.REFUSED: "the model declined to answer",
    Outcome.TRUNCATED: "the model's reply was cut off",
    Outcome.UNREACHABLE: "the model could not be reached",
    Outcome.UNSUPPORTED: "no labeler can handle this document",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """What an answer has to reach to be accepted.

    `threshold` None accepts nothing, for the reason `blocked` gives. `certificate` is the id of
    the one that sets the threshold; without it the guideline's bare threshold is meant.
    """

    threshold: float | None
    certificate: str | None = None
    blocked: str = ""


def gate(prediction: Prediction, confidence: Confidence | None, bar: Bar) -> tuple[Route, str]:
    """Decide whether an answer goes out or to a reviewer first.

    An answer is accepted when its confidence is at least the bar's threshold. Without an
    answer there is nothing to accept, whatever the threshold.
    """
    if prediction.outcome is not Outcome.ANSWERED or confidence is None:
        why = _WHY_NO_ANSWER[prediction.outcome]
        return Route.REVIEW, f"no answer: {why}" + (
            f" ({prediction.detail})" if prediction.detail else ""
        )
    if bar.threshold is None:
        return Route.REVIEW, bar.blocked
    kind = "calibrated confidence" if confidence.calibrated else "confidence"
    name = "certified threshold" if bar.certificate else "threshold"
    # Shown with as many decimals as it takes to tell the two numbers apart.
    places = next(
        (p for p in (2, 3, 4) if round(confidence.value, p) != round(bar.threshold, p)), 6
    )
    value, threshold = f"{confidence.value:.{places}f}", f"{bar.threshold:.{places}f}"
    if confidence.value >= bar.threshold:
        return Route.ACCEPTED, f"{kind} {value} reaches the {name} {threshold}"
    doubt = f"; {prediction.detail}" if prediction.detail else ""
    return Route.REVIEW, f"{kind} {value} is below the {name} {threshold}{doubt}"
