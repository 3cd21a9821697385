"""The Markdown body of a guideline: its headings and numbered clauses."""

from __future__ import annotations

import re

from llmlabel.domain.guideline import Clause
from llmlabel.guidelines.frontmatter import Finding

_CLAUSE = re.compile(r"^[-*] \*\*(?P<id>[A-Z][A-Z0-9_]*-\d+)\*\*:\s*(?P<text>.*)$")
_HEADING = re.compile(r"^(?P<level>#{1,6})\s+(?P<text>.*?)\s*#*\s*$")


def read_clauses(body: str, first_line: int) -> tuple[tuple[Clause, ...], list[Finding]]:
    """The clauses of the section `## Clauses`, and what cannot be read there.

    A clause is a list item `- **SENT-4**: words`, going on over indented lines.
    """
    clauses: dict[str, str] = {}
    findings: list[Finding] = []
    inside, current = False, None
    for number, line in enumerate(body.split("\n"), start=first_line):
        line = line.rstrip()  # noqa: PLW2901
        heading = _HEADING.match(line)
        if heading:
            if len(heading["level"]) <= 2:
                inside = heading["text"].lower() == "clauses"
            current = None
        elif not inside or not line:
            continue
        elif found := _CLAUSE.match(line):
            current = found["id"]
            if current in clauses:
                findings.append((number, f"clause {current} is defined twice; renumber one"))
            clauses[current] = found["text"]
        elif line.startswith((" ", "\t")) and current:
            clauses[current] += f" {line.strip()}"
        elif line.startswith(("- ", "* ")):
            findings.append((number, "not a clause; write it as `- **NAME-1**: what to do`"))
    return tuple(Clause(id=key, text=text.strip()) for key, text in clauses.items()), findings


def headings(body: str) -> list[str]:
    """The text of every heading, without back-quotes."""
    found = (_HEADING.match(line) for line in body.split("\n"))
    return [match["text"].replace("`", "").strip() for match in found if match]
