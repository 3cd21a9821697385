"""One prompt template: three Jinja blocks rendered to a chat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llmlabel.domain.guideline import Example, Guideline
from llmlabel.errors import InvalidPrompt
from llmlabel.llm.protocol import Message, Prompt
from llmlabel.prompts.fence import fence
from llmlabel.prompts.worked import shown_examples, turns
from llmlabel.released import Problem, Ref, did_you_mean, sha256_of_bytes

BLOCKS = ("system", "document", "answer")
NAMES = ("guideline", "labels", "document", "marked", "answer")
"""What a template may use: the Guideline, the LabelDefinitions offered, the fenced document,
the marked words of it (or None) and, in the block `answer`, the right answer."""


class PromptTemplate:
    """A prompt@version: how a model is asked.

    The file has the blocks `system`, `document` (one document as a user's turn) and `answer`
    (an example's answer as the assistant's turn). A document reaches a template only inside
    its fence, so no text can add a turn or a label.
    """

    def __init__(self, ref: Ref, path: Path, content: bytes) -> None:
        """Parse the file's content.

        Raises:
            InvalidPrompt: Broken syntax or a missing block; names file, line and remedy.
        """
        self.name, self.version = ref
        self.ref = str(ref)
        self.path = path
        self.sha256 = sha256_of_bytes(content)
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
        )
        try:
            source = content.decode("utf-8").replace("\r\n", "\n")
            tree = environment.parse(source)
            self._template: Template = environment.from_string(source)
        except UnicodeDecodeError as exc:
            raise InvalidPrompt(f"{path}: not UTF-8; save the file as UTF-8") from exc
        except TemplateSyntaxError as exc:
            raise InvalidPrompt(f"{path}:{exc.lineno}: {exc.message}") from exc
        missing = [block for block in BLOCKS if block not in self._template.blocks]
        if missing:
            raise InvalidPrompt(
                f"{path}: the block `{missing[0]}` is missing; "
                f"add {{% block {missing[0]} %}}…{{% endblock %}}"
            )
        self._used = _names_used(tree)

    def problems(self, names: Sequence[str] = NAMES) -> list[Problem]:
        """Names that the template uses and that would be undefined."""
        return [
            Problem(
                self.path,
                line,
                f"`{name}` is not defined.{did_you_mean(name, names)} A template may use: "
                f"{', '.join(names)}",
            )
            for name, line in self._used
            if name not in names
        ]

    def render(
        self,
        guideline: Guideline,
        text: str,
        examples: Sequence[Example] | None = None,
        labels: Sequence[str] | None = None,
        *,
        mark: tuple[int, int] | None = None,
        nearest: Sequence[Example] = (),
        redacted: bool = False,
        **extra: object,
    ) -> Prompt:
        """Ask about one document; what stands before it and `nearest` is the same for every text.

        Args:
            guideline: The task.
            text: The document's text.
            examples: Worked examples; by default `shown_examples(guideline, labels)`.
            labels: Names of the labels offered; by default all of the guideline.
            mark: The part of the text that is asked about (`tokens`, `verify`), as offsets in
                code points, end exclusive.
            nearest: More examples, chosen for this text; they come after the others.
            redacted: Whether the text and all examples are masked; the prompt says so.
            extra: More names for a template of your own.

        Raises:
            InvalidPrompt: The template uses a name that is not defined, or fails; names file,
                line and name.
        """
        undefined = self.problems((*NAMES, *extra))
        if undefined:
            raise InvalidPrompt(str(undefined[0]))
        wanted = set(guideline.label_names if labels is None else labels)
        offered = tuple(label for label in guideline.labels if label.name in wanted)
        if examples is None:
            examples = shown_examples(guideline, labels)
        common: dict[str, Any] = {**extra, "guideline": guideline, "labels": offered}
        messages = [self._message("system", "system", common)]
        messages += self._turns(common, examples)
        shared = len(messages) if nearest else None
        messages += self._turns(common, nearest)
        messages.append(self._document(common, text, mark))
        return Prompt(
            messages=tuple(messages),
            shared=shared,
            privacy=guideline.policy.privacy,
            redacted=redacted,
        )

    def _turns(self, common: dict[str, Any], examples: Sequence[Example]) -> Iterator[Message]:
        for turn in turns(self.name, examples):
            yield self._document(common, turn.text, turn.mark)
            yield self._message("assistant", "answer", {**common, "answer": turn.answer})

    def _document(self, common: dict[str, Any], text: str, mark: tuple[int, int] | None) -> Message:
        marked = None if mark is None else text[mark[0] : mark[1]]
        names = {**common, "document": fence(text, mark), "marked": marked}
        return self._message("user", "document", names)

    def _message(self, role: Any, block: str, names: dict[str, Any]) -> Message:
        try:
            context = self._template.new_context(names)
            content = "".join(self._template.blocks[block](context))
        except Exception as exc:  # whatever a template raises is the template's fault
            line = _template_line(self._template, exc.__traceback__)
            what = exc.message if isinstance(exc, TemplateError) else f"{type(exc).__name__}: {exc}"
            raise InvalidPrompt(f"{self.path}:{line}: in block `{block}`: {what}") from exc
        return Message(role=role, content=content.strip("\n"))


def _names_used(tree: nodes.Template) -> list[tuple[str, int]]:
    """Every name read that the template does not set itself, with its line."""
    found = list(tree.find_all(nodes.Name))
    own = {name.name for name in found if name.ctx != "load"}
    own |= {"loop", "range", "dict", "lipsum", "cycler", "joiner", "namespace", "self"}
    return [
        (name.name, name.lineno) for name in found if name.ctx == "load" and name.name not in own
    ]


def _template_line(template: Template, trace: TracebackType | None) -> int:
    """The template's line in which an error arose; 1 where that cannot be told."""
    line = 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line
