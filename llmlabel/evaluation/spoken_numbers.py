"""English numbers in words, brought to digits so that "twenty-three" and "23" compare equal."""

from __future__ import annotations

_CARDINALS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_ORDINALS = """
zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}


def _table() -> dict[str, tuple[int, bool]]:
    cardinals = {word: (value, False) for value, word in enumerate(_CARDINALS.split())}
    ordinals = {word: (value, True) for value, word in enumerate(_ORDINALS.split())}
    tens = {word: (10 * value, False) for value, word in enumerate(_TENS.split(), start=2)}
    tens_ordinal = {f"{word[:-1]}ieth": (value, True) for word, (value, _) in tens.items()}
    return cardinals | ordinals | tens | tens_ordinal


_NUMBERS = _table()


def digits_for_words(words: list[str]) -> list[str]:
    """Replace number words by digits: cardinals, ordinals and years read in two halves.

    "a hundred and five" becomes 105, "twenty third" 23rd, "nineteen eighty four" 1984; digits
    read one by one stay apart ("one two" is 1 2).
    """
    result: list[str] = []
    at = 0
    while at < len(words):
        spoken = _Spoken()
        after = spoken.read(words, at)
        if after == at:
            result.append(words[at])
            at += 1
            continue
        if spoken.is_two_digits and after < len(words):
            second = _Spoken()
            end = second.read(words, after)
            if end > after and second.is_two_digits:
                result.append(f"{spoken.value}{second.value}")
                at = end
                continue
        result.append(str(spoken))
        at = after
    return result


class _Spoken:
    """One number as it is read word by word."""

    def __init__(self) -> None:
        self._whole = 0  # thousands and more, already multiplied
        self._part = 0
        self._room = 10**12  # what is added next must be smaller
        self._ordinal = False

    def read(self, words: list[str], at: int) -> int:
        """Take as many words as make one number; give the place after them."""
        start = at
        while at < len(words) and not self._ordinal:
            word = words[at]
            following = words[at + 1] if at + 1 < len(words) else ""
            if word == "a" and at == start and following in _SCALES:
                self._add(1, ordinal=False)
            elif word == "and" and words[at - 1] in _SCALES and at > start:
                if following not in _NUMBERS:
                    break
            elif word in _NUMBERS and _NUMBERS[word][0] < self._room:
                self._add(*_NUMBERS[word])
            elif word in _SCALES and at > start and self._scales(_SCALES[word]):
                pass
            else:
                break
            at += 1
        return at

    def _add(self, value: int, ordinal: bool) -> None:
        self._part += value
        self._ordinal = ordinal
        # After a multiple of ten comes a unit; after anything else, nothing but a scale.
        self._room = 10 if value >= 20 else 0

    def _scales(self, scale: int) -> bool:
        if self._part == 0:
            return False
        if scale == 100:
            if self._part >= 100:
                return False
            self._part *= 100
        else:
            self._whole, self._part = self._whole + self._part * scale, 0
        self._room = 100 if scale == 100 else 1000
        return True

    @property
    def value(self) -> int:
        return self._whole + self._part

    @property
    def is_two_digits(self) -> bool:
        """Whether it can be half of a year."""
        return not self._ordinal and 10 <= self.value < 100

    def __str__(self) -> str:
        if not self._ordinal:
            return str(self.value)
        if self.value % 100 in {11, 12, 13}:
            return f"{self.value}th"
        return f"{self.value}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(self.value % 10, 'th') }"
