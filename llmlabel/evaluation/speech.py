"""Word errors of a transcript, after case, punctuation and ways to write numbers are put aside."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from llmlabel.evaluation.spoken_numbers import digits_for_words

_TITLES = {"mr": "mister", "dr": "doctor", "mrs": "missus"}
# Scripts written without spaces between words are compared character by character.
_UNSPACED = frozenset({"ja", "zh", "th", "lo", "my", "km", "yue"})


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Edits that turn a transcript into its reference, over the words of the reference."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    words: int = 0

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions

    def __add__(self, other: WordErrors) -> WordErrors:
        """Both together: rates are of sums, so that long recordings weigh more."""
        return WordErrors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.words + other.words,
        )

    @property
    def rate(self) -> float | None:
        """Errors per word of the reference; may pass 1; None where the reference is empty."""
        return self.errors / self.words if self.words else None


def word_errors(reference: str, transcript: str, language: str | None = "en") -> WordErrors:
    """Compare a transcript with its reference after `normalised`.

    Source: the word error rate of Levenshtein 1966 over words: (S + D + I) / N.
    """
    from rapidfuzz.distance import Levenshtein  # noqa: PLC0415

    truth, said = normalised(reference, language), normalised(transcript, language)
    kinds = [edit.tag for edit in Levenshtein.editops(truth, said)]
    return WordErrors(
        substitutions=kinds.count("replace"),
        deletions=kinds.count("delete"),
        insertions=kinds.count("insert"),
        words=len(truth),
    )


def normalised(text: str, language: str | None = "en") -> list[str]:
    """The words that are compared.

    Case, punctuation, apostrophes and hyphens go; in English, numbers in words become digits
    ("twenty-third" 23rd, "nineteen eighty-four" 1984) and Mr, Mrs and Dr are written out. Letters
    and the digits after them are parted (KL601, KL-601).
    British and American spellings stay different, and accents stay. Languages written without
    spaces are cut into characters.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"[’'`´]", "", text)
    text = re.sub(r"(?<=\d)[,.](?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=\d)\.(?=\d)", " point ", text)
    text = re.sub(r"(?<=[^\W\d_])(?=\d)", " ", text)
    text = text.replace("%", " percent ").replace("&", " and ")
    text = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in text)
    words = text.split()
    if language in _UNSPACED:
        return [char for word in words for char in word]
    if language in {"en", None}:
        return digits_for_words([_TITLES.get(word, word) for word in words])
    return words
