"""The one seam to language models: score labels, or generate under a constraint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from pydantic import Field, JsonValue

from llmlabel.domain.base import Value
from llmlabel.domain.privacy import Privacy


class Message(Value):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class Prompt(Value):
    """A rendered chat; its last message asks about one document.

    The first messages (instructions and the guideline's worked examples) are the same for a
    whole batch: the prefix a model may keep in its cache.
    """

    messages: tuple[Message, ...] = Field(min_length=1)
    shared: int | None = Field(
        default=None,
        ge=0,
        description="How many of the first messages are the same; None means all but the last.",
    )
    privacy: Privacy = Field(default="open", description="Of the task that it asks for.")
    redacted: bool = Field(default=False, description="Whether every text in it is masked.")


class Usage(Value):
    """What a call took."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0
    cached: bool = False
    answered_by: str | None = Field(
        default=None, description="The model that answered, where it is not the one asked first."
    )


class Scores(Value):
    """Probability of every candidate, in the order given; they sum to one.

    `method`: `label_path` (path probability over the label strings under constrained
    decoding), `logprobs` (a provider's top log-probabilities, renormalised) or `samples`
    (share of k samples).
    """

    probabilities: tuple[float, ...]
    method: Literal["label_path", "logprobs", "samples"]
    off_label: float | None = Field(
        default=None, description="Share seen to lead to no candidate, where it is known."
    )
    usage: Usage = Usage()


class Reply(Value):
    """Generated text and the log-probability of each of its tokens, where offered."""

    text: str
    finish: Literal["stop", "length", "refusal"]
    tokens: tuple[str, ...] = ()
    logprobs: tuple[float, ...] = ()
    usage: Usage = Usage()


class ChatModel(Protocol):
    """A language model. One batch in, one result (or one error) per prompt out, in order.

    A failure of one prompt is returned in its place as a `ModelError`; it never fails the
    others. What concerns the model as a whole (weights missing, key not accepted) is raised.
    """

    @property
    def name(self) -> str:
        """Name and, where known, hash of the weights: goes into the provenance."""
        ...

    @property
    def context_tokens(self) -> int:
        """Longest prompt, in tokens."""
        ...

    async def score(
        self, prompts: Sequence[Prompt], candidates: Sequence[str] | Sequence[Sequence[str]]
    ) -> Sequence[Scores | Exception]:
        """Probability that the assistant's next words are each of the candidates.

        Args:
            prompts: The chats, shape (n,).
            candidates: The same candidates for all prompts, or one sequence per prompt.
        """
        ...

    async def generate(
        self, prompts: Sequence[Prompt], schema: dict[str, JsonValue], max_tokens: int
    ) -> Sequence[Reply | Exception]:
        """Write JSON that follows the schema, greedily."""
        ...

    async def close(self) -> None:
        """Free what the model holds."""
        ...
