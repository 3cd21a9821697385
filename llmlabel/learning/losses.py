"""How wrong an answer is against the verified one, as the promise counts it."""

from __future__ import annotations

from llmlabel.domain.answer import (
    Answer,
    ChoiceAnswer,
    SpansAnswer,
    TokensAnswer,
    TranscriptAnswer,
)
from llmlabel.domain.promise import Loss
from llmlabel.evaluation.metrics import SpanKey, span_counts
from llmlabel.evaluation.speech import word_errors


def loss_of(
    proposed: Answer | None, right: Answer | None, loss: Loss, language: str | None = None
) -> float:
    """The loss of one answer, in [0, 1]; 0 is right.

    `exact`: 0 when the whole answer is right, 1 otherwise; spans and tokens must agree in every
    offset and label, transcripts in every word after `evaluation.speech.normalised`.
    `units`: 1 - F1 of the spans, the share of gold tokens cut or labeled otherwise, or the word
    error rate capped at 1; a choice is right or wrong.

    Args:
        proposed: What the labelers said; None (no answer) is wholly wrong.
        right: What a person found; None means that no right answer exists, so that every
            answer is wholly wrong.
        loss: How it is counted.
        language: Of a transcript, for its words; ISO 639 code.
    """
    if proposed is None or right is None or proposed.kind != right.kind:
        return 1.0
    share = _share_wrong(proposed, right, language)
    return share if loss == "units" else float(share > 0)


def _share_wrong(proposed: Answer, right: Answer, language: str | None) -> float:
    match right, proposed:
        case ChoiceAnswer(), ChoiceAnswer():
            return float(proposed.label != right.label)
        case SpansAnswer(), SpansAnswer():
            f1 = span_counts(_keys(right), _keys(proposed)).f1
            return 0.0 if f1 is None else 1.0 - f1  # no span on either side: they agree
        case TokensAnswer(), TokensAnswer():
            return _tokens_wrong(_keys(right), _keys(proposed))
        case TranscriptAnswer(), TranscriptAnswer():
            errors = word_errors(right.text, proposed.text, language)
            return min(1.0, errors.errors / max(errors.words, 1))
    return 1.0


def _tokens_wrong(right: list[SpanKey], proposed: list[SpanKey]) -> float:
    truth, said = set(right), set(proposed)
    # Tokens that the gold does not have are errors as well, or a text cut finer would pass.
    errors = max(len(truth - said), len(said - truth))
    return min(1.0, errors / max(len(truth), 1))


def _keys(answer: SpansAnswer | TokensAnswer) -> list[SpanKey]:
    units = answer.spans if isinstance(answer, SpansAnswer) else answer.tokens
    return [(unit.start, unit.end, unit.label) for unit in units]
