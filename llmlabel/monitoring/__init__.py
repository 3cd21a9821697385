"""What operators see: metrics of everything, and whether work can be done."""

from __future__ import annotations

from llmlabel.monitoring.kept import Kept
from llmlabel.monitoring.readiness import Check, Checks
from llmlabel.monitoring.scrape import Scrape

__all__ = ["Check", "Checks", "Kept", "Scrape"]
