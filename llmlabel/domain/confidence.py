from __future__ import annotations

from pydantic import Field

from llmlabel.domain.base import Value


class Confidence(Value):
    """The estimated probability that an answer is right, and how the estimate was got."""

    value: float = Field(ge=0, le=1)
    method: str = Field(description="label_path, min_unit, agreement, …; or the calibrator's.")
    calibrated: bool = False
    calibrator: str | None = Field(default=None, description="Id of the calibrator, if any.")
    n: int | None = Field(default=None, description="Verified labels the calibrator was fitted on.")
