"""A chat as token ids: the model's own template around contents that stay plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from llmlabel.errors import ModelRejected
from llmlabel.llm.gguf_tokenizer import GgufTokenizer
from llmlabel.llm.protocol import Message


@dataclass(frozen=True)
class EncodedPrompt:
    """Token ids of a chat, up to where the assistant speaks.

    The first `prefix` ids depend on the messages that a batch shares, and on nothing else.
    """

    ids: tuple[int, ...]
    prefix: int


class ChatTemplate:
    """Renders the template with placeholders, then puts the encoded contents in their place.

    So a content can hold anything, control tokens' names included, and stays a content.
    """

    def __init__(self, source: str, tokenizer: GgufTokenizer, *, begin: str, end: str) -> None:
        """Compile a GGUF file's Jinja template in a sandbox.

        Args:
            source: The template.
            tokenizer: Of the same model.
            begin: Text of the begin-of-text token, which templates may write; may be empty.
            end: Text of the end-of-turn token.

        Raises:
            ModelRejected: The template cannot be compiled.
        """
        from jinja2 import TemplateError  # noqa: PLC0415
        from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, autoescape=False
        )
        environment.globals["raise_exception"] = _refuse
        try:
            self._template = environment.from_string(source)
        except TemplateError as exc:
            raise ModelRejected(f"The model's chat template cannot be read: {exc}.") from exc
        self._error = TemplateError
        self._tokenizer = tokenizer
        self._words = {"bos_token": begin, "eos_token": end}
        self._markups: dict[tuple[str, ...], list[str]] = {}

    def encode(self, messages: Sequence[Message], shared: int | None = None) -> EncodedPrompt:
        """Token ids of the chat, ready for the assistant's first word.

        Args:
            messages: The chat.
            shared: How many of the first messages a batch shares; None means all but the last.

        Raises:
            ModelRejected: The template refuses these roles, or a text cannot be encoded.
        """
        pieces: list[str | int] = []
        prefix = 0
        own = len(messages) - 1 if shared is None else min(shared, len(messages) - 1)
        for number, markup in enumerate(self._markup(tuple(m.role for m in messages))):
            if number:
                _append(pieces, messages[number - 1].content)
            for piece in self._tokenizer.split_markup(markup):
                _append(pieces, piece)
            if number == own:
                prefix = 1 + max(
                    (at for at, piece in enumerate(pieces) if isinstance(piece, int)), default=-1
                )
        ids: list[int] = []
        cut = 0
        for at, piece in enumerate(pieces):
            if at == prefix:
                cut = len(ids)
            try:
                ids += [piece] if isinstance(piece, int) else self._tokenizer.encode(piece)
            except (TypeError, ValueError) as exc:
                raise ModelRejected(f"The text cannot be encoded: {exc}.") from exc
        return EncodedPrompt(tuple(ids), min(cut, len(ids) - 1))

    def _markup(self, roles: tuple[str, ...]) -> list[str]:
        """What the template writes before, between and after the contents."""
        if roles not in self._markups:
            messages = [
                {"role": role, "content": f"\x02{number}\x03"} for number, role in enumerate(roles)
            ]
            try:
                text = self._template.render(
                    messages=messages,
                    add_generation_prompt=True,
                    enable_thinking=False,
                    **self._words,
                )
            except self._error as exc:
                raise ModelRejected(
                    f"The model's chat template does not take this chat ({exc}); roles: "
                    f"{', '.join(roles)}."
                ) from exc
            parts = re.split("\x02(\\d+)\x03", text)
            if [int(part) for part in parts[1::2]] != list(range(len(roles))):
                raise ModelRejected(
                    "The model's chat template leaves out or repeats a message; roles: "
                    f"{', '.join(roles)}."
                )
            if len(self._markups) > 64:
                self._markups.clear()
            self._markups[roles] = parts[::2]
        return self._markups[roles]


def _append(pieces: list[str | int], piece: str | int) -> None:
    """Add a piece; neighbouring texts become one, for tokens may span their border."""
    if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
        pieces[-1] += piece
    elif piece != "":
        pieces.append(piece)


def _refuse(reason: str) -> NoReturn:
    from jinja2 import TemplateError  # noqa: PLC0415

    raise TemplateError(reason)
