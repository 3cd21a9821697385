"""The YAML front matter of a guideline file, every value with the line it stands on.

All scalars are read as text, so a label may be called `no` or `on` without quotes; the fields
that are numbers or flags are converted by their type.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml
from pydantic import Field, ValidationError

from llmlabel.domain.answer import Kind
from llmlabel.domain.base import Value
from llmlabel.domain.guideline import (
    NAME_PATTERN,
    TRIM_RULES,
    VERSION_PATTERN,
    LabelDefinition,
    LabelerStep,
    Policy,
    TrimRule,
)
from llmlabel.released import did_you_mean

PROMPT_PATTERN = r"^[a-z][a-z0-9_-]{0,63}@\d+\.\d+\.\d+$"
_FENCE = "---"

Location = tuple[str | int, ...]
Lines = dict[Location, int]
Finding = tuple[int | None, str]


class QuoteEntry(Value):
    """A span as people write it: the words themselves, and which of several if they repeat."""

    quote: str = Field(min_length=1)
    label: str
    occurrence: int | None = Field(default=None, ge=1)


class ExampleEntry(Value):
    """An example as people write it."""

    id: str = Field(min_length=1)
    text: str
    label: str | None = None
    spans: tuple[QuoteEntry, ...] | None = None
    clause: str | None = None


class FrontMatter(Value):
    """Everything above the body of a guideline file."""

    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=VERSION_PATTERN)
    kind: Kind
    title: str = Field(min_length=1)
    question: str = Field(min_length=1)
    labels: tuple[LabelDefinition, ...] = ()
    labelers: tuple[LabelerStep, ...] = Field(min_length=1)
    prompt: str | None = Field(default=None, pattern=PROMPT_PATTERN)
    policy: Policy
    spacy_ignored: tuple[str, ...] = ()
    trim: tuple[TrimRule, ...] = TRIM_RULES
    examples: tuple[ExampleEntry, ...] = ()


class Split(NamedTuple):
    """A guideline file in its two parts."""

    front: str
    body: str
    body_line: int


def split_file(text: str) -> Split | Finding:
    """Cut a file into front matter and body, or say what is in the way."""
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        return 1, "a guideline starts with a line `---`, its YAML front matter and another `---`"
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            return Split("\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 2)
    return 1, "the front matter has no end; close it with a line `---` before the body"


def read_front_matter(front: str) -> tuple[FrontMatter | None, Lines, list[Finding]]:
    """Parse and check the YAML; lines are those of the file (the opening `---` is line 1)."""
    node = _composed(front)
    if not isinstance(node, yaml.MappingNode):
        return None, {}, [node or (2, "the front matter must be a list of `key: value` lines")]
    lines: Lines = {}
    findings: list[Finding] = []
    data = _plain(node, (), lines, findings, set())
    if findings:
        return None, lines, findings
    try:
        return FrontMatter.model_validate(data), lines, []
    except ValidationError as exc:
        return None, lines, [_finding(error, lines) for error in exc.errors()]


def _composed(front: str) -> yaml.MappingNode | Finding | None:
    """The mapping that the text is, what keeps it from being YAML, or None if no mapping."""
    try:
        node = yaml.compose(front, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark
        hint = ""
        if "mapping values are not allowed" in (exc.problem or ""):
            hint = "; put a value that holds `: ` in quotes"
        return (mark.line + 2 if mark else None), f"not YAML: {exc.problem}{hint}"
    except yaml.YAMLError as exc:
        return None, f"not YAML: {exc}"
    except RecursionError:
        return 2, "nested too deep; a guideline needs three levels"
    return node if isinstance(node, yaml.MappingNode) else None


def line_of(lines: Lines, location: Location) -> int | None:
    """The line of a value, or of the nearest thing around it."""
    for length in range(len(location), -1, -1):
        if location[:length] in lines:
            return lines[location[:length]]
    return None


def _plain(
    node: yaml.Node, at: Location, lines: Lines, findings: list[Finding], seen: set[int]
) -> Any:
    line = node.start_mark.line + 2
    lines.setdefault(at, line)
    if id(node) in seen:
        findings.append((line, "anchors and aliases (`&`, `*`) are not read; write it out"))
        return None
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in result:
                findings.append((key.start_mark.line + 2, f"`{name}` is given twice; keep one"))
            lines[(*at, name)] = key.start_mark.line + 2
            result[name] = _plain(value, (*at, name), lines, findings, seen)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_plain(v, (*at, i), lines, findings, seen) for i, v in enumerate(node.value)]
    return node.value


_KEYS: dict[str, type[Value]] = {
    "labels": LabelDefinition,
    "labelers": LabelerStep,
    "policy": Policy,
    "examples": ExampleEntry,
    "spans": QuoteEntry,
}


def _finding(error: Any, lines: Lines) -> Finding:
    location: Location = tuple(error["loc"])
    where = _spoken(location)
    line = line_of(lines, location)
    match error["type"]:
        case "extra_forbidden":
            names = [part for part in location[:-1] if isinstance(part, str)]
            known = list(_KEYS.get(names[-1] if names else "", FrontMatter).model_fields)
            key = str(location[-1])
            hint = did_you_mean(key, known) or f" Known here: {', '.join(known)}."
            return line, f"unknown key `{where}`.{hint}"
        case "missing":
            return line, f"`{where}` is missing; add it"
        case "literal_error":
            allowed = re.sub(r"\bor\b", ",", str(error["ctx"]["expected"])).replace("'", "`")
            return line, f"`{where}` is `{error['input']}`; it must be one of {allowed}"
        case "string_pattern_mismatch":
            form = {
                "name": "lower-case letters, digits, `-` and `_`, starting with a letter",
                "version": "three numbers such as 1.0.0",
                "prompt": "name@version such as choice@1.0.0 (leave the line out for none)",
            }.get(str(location[-1]), str(error["ctx"]["pattern"]))
            return line, f"`{where}` is `{error['input']}`; it must be {form}"
        case _:
            message = str(error["msg"]).replace("Input should", "it should")
            return line, f"`{where}`: {message}"


def _spoken(location: Location) -> str:
    text = ""
    for part in location:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
