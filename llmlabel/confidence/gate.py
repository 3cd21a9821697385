"""From a confidence to a route, with the reason in words."""

from __future__ import annotations

from llmlabel.domain.confidence import Confidence
from llmlabel.domain.guideline import Policy
from llmlabel.domain.label import Route
from llmlabel.domain.prediction import Outcome, Prediction

_WHY_NO_ANSWER = {
    Outcome.UNREADABLE: "the model's reply could not be read",
    Outcome.REFUSED: "the model declined to answer",
    Outcome.TRUNCATED: "the model's reply was cut off",
    Outcome.UNREACHABLE: "the model could not be reached",
    Outcome.UNSUPPORTED: "no labeler can handle this document",
}


def gate(
    prediction: Prediction, confidence: Confidence | None, policy: Policy
) -> tuple[Route, str]:
    """Decide whether an answer goes out or to a reviewer first.

    An answer is accepted when its confidence is at least the policy's threshold. Without an
    answer there is nothing to accept, whatever the threshold.
    """
    if prediction.outcome is not Outcome.ANSWERED or confidence is None:
        why = _WHY_NO_ANSWER[prediction.outcome]
        return Route.REVIEW, f"no answer: {why}" + (
            f" ({prediction.detail})" if prediction.detail else ""
        )
    kind = "calibrated confidence" if confidence.calibrated else "confidence"
    # Shown with as many decimals as it takes to tell the two numbers apart.
    places = next(
        (p for p in (2, 3, 4) if round(confidence.value, p) != round(policy.threshold, p)), 6
    )
    value, threshold = f"{confidence.value:.{places}f}", f"{policy.threshold:.{places}f}"
    if confidence.value >= policy.threshold:
        return Route.ACCEPTED, f"{kind} {value} reaches the threshold {threshold}"
    doubt = f"; {prediction.detail}" if prediction.detail else ""
    return Route.REVIEW, f"{kind} {value} is below the threshold {threshold}{doubt}"
