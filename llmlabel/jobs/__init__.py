"""The durable job queue: what is accepted gets done, once, through any crash."""

from __future__ import annotations

from llmlabel.jobs.attempts import Patience
from llmlabel.jobs.contracts import Beside, LabelBatch, Transcribe, Transcription
from llmlabel.jobs.learn import Learn, Learning, LearnJob
from llmlabel.jobs.project import Jobs
from llmlabel.jobs.runner import DEFAULT_PROJECT, Runner

__all__ = [
    "DEFAULT_PROJECT",
    "Beside",
    "Jobs",
    "LabelBatch",
    "Learn",
    "LearnJob",
    "Learning",
    "Patience",
    "Runner",
    "Transcribe",
    "Transcription",
]
