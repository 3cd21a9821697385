"""A task whose right answer a made provider knows: which of two moods a text is in."""

from __future__ import annotations

from pathlib import Path

_GUIDELINE = """\
---
name: mood
version: 1.0.0
kind: choice
title: Mood
question: Which mood is the writer in?
labels:
  - name: good
    definition: glad or content
  - name: bad
    definition: sad or cross
labelers:
  - name: llm
prompt: choice@1.0.0
policy:
  threshold: 0.75
{policy}---

# Mood

The mood of the writer.
"""


def write_guideline(folder: Path, policy: str = "") -> Path:
    """Put the task into a folder of guidelines, which is returned.

    Args:
        folder: Made where it is missing.
        policy: More lines of its policy, each indented by two spaces.
    """
    file = folder / "mood" / "1.0.0.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_GUIDELINE.format(policy=policy), "utf-8")
    return folder
