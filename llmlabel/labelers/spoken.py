"""What a transcript adds: when spans and tokens were said, and doubt about the words."""

from __future__ import annotations

import math

from llmlabel.domain.answer import ChoiceAnswer, TokensAnswer
from llmlabel.domain.document import Transcript
from llmlabel.domain.prediction import Prediction, Unit


def spoken(prediction: Prediction, transcript: Transcript) -> Prediction:
    """The prediction with times, and no surer of a span than of the words it stands on.

    A span of words that were not heard clearly is as doubtful as the least clear of them
    (evidence `min_word_probability`), and the whole answer falls with it. The tags of tokens
    hold for the words as they are written, so their probability stays. A choice stands on all
    the words alike: it is as doubtful as they are on (geometric) average.
    """
    if isinstance(prediction.answer, ChoiceAnswer):
        return _chosen(prediction, transcript)
    tokens = isinstance(prediction.answer, TokensAnswer)
    units: list[Unit] = []
    factor = 1.0
    lowest = 1.0
    for unit in prediction.units:
        heard = _heard(unit, transcript)
        word = heard.evidence.get("min_word_probability", 1.0)
        if not tokens and unit.kept and unit.probability is not None:
            lowest = min(lowest, word)
            factor *= word
            heard = heard.model_copy(update={"probability": unit.probability * word})
        units.append(heard)
    evidence = dict(prediction.evidence)
    if not tokens:
        evidence["min_word_probability"] = lowest
    return prediction.model_copy(
        update={
            "units": tuple(units),
            "probability": (prediction.probability or 0.0) * factor,
            "evidence": evidence,
        }
    )


def _chosen(prediction: Prediction, transcript: Transcript) -> Prediction:
    if not transcript.words:
        return prediction
    logs = [math.log(max(word.probability, 1e-6)) for word in transcript.words]
    clear = math.exp(sum(logs) / len(logs))
    return prediction.model_copy(
        update={
            "probability": (prediction.probability or 0.0) * clear,
            "evidence": {**prediction.evidence, "mean_word_probability": clear},
        }
    )


def _heard(unit: Unit, transcript: Transcript) -> Unit:
    words = transcript.words_under(unit.start, unit.end)
    if not words:
        return unit
    lowest = min(word.probability for word in words)
    return unit.model_copy(
        update={
            "begin_seconds": min(word.begin_seconds for word in words),
            "end_seconds": max(word.end_seconds for word in words),
            "evidence": {**unit.evidence, "min_word_probability": lowest},
        }
    )
