"""A small guideline file and ways to break it."""

from __future__ import annotations

from pathlib import Path

CHOICE = """\
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
examples:
  - id: a
    text: What a day!
    label: good
    clause: MOOD-2
  - id: b
    text: Rain again.
    label: bad
---

# Mood

## Labels

### `good`

Glad.

### bad

Cross.

## Clauses

- **MOOD-1**: Irony counts
  as what is meant.
- **MOOD-2**: An exclamation mark is no mood.

## Examples

- **MOOD-3**: not a clause, the section is over.
"""

SPANS = """\
---
name: birds
version: 1.0.0
kind: spans
title: Birds
question: Which words name a bird?
labels:
  - name: BIRD
    definition: a bird
    spacy: [ANIMAL]
labelers:
  - name: spacy
  - name: llm
    when: doubtful
    doubt: 0.6
prompt: spans@1.0.0
policy:
  threshold: 0.5
examples:
  - id: a
    text: A wren saw the other wren and a café finch 🐦 fly.
    spans:
      - {quote: wren, label: BIRD, occurrence: 2}
      - {quote: finch, label: BIRD}
      - {quote: wren, label: BIRD, occurrence: 1}
  - id: b
    text: Nothing flew.
    spans: []
---
## Clauses

- **BIRD-1**: Eggs are no birds.
"""


def write(folder: Path, text: str, name: str = "mood", version: str = "1.0.0") -> Path:
    path = folder / name / f"{version}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
