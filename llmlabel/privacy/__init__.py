"""What of a text is shown to a model of a provider: masked, with the way back."""

from llmlabel.privacy.mask import Shown, Swap, mask, repeated, unmask
from llmlabel.privacy.rules import KINDS, Found, Kind, find
from llmlabel.privacy.veil import OpenVeil, PersonFinder, Redactor, Veil

__all__ = [
    "KINDS",
    "Found",
    "Kind",
    "OpenVeil",
    "PersonFinder",
    "Redactor",
    "Shown",
    "Swap",
    "Veil",
    "find",
    "mask",
    "repeated",
    "unmask",
]
