"""How far a confidence can be believed; see `llmlabel.confidence.reliability`."""

from llmlabel.confidence.reliability import *  # noqa: F403
