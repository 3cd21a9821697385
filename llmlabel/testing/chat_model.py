"""A chat model that answers by a rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from llmlabel.errors import ModelError, ReplyUnreadable
from llmlabel.llm.protocol import Prompt, Reply, Scores, Usage

ScoreRule = Callable[[Prompt, Sequence[str]], Mapping[str, float] | ModelError]
ReplyRule = Callable[[Prompt], JsonValue | ModelError]


class FakeChatModel:
    """A `ChatModel` that follows rules, the same ones every time.

    Without rules it is still deterministic: the weights of the labels come from a hash of the
    prompt. A rule that returns a `ModelError` makes that prompt fail, as a real model would.

        model = FakeChatModel(lambda prompt, labels: {"positive": 0.9, "negative": 0.1})
        model = FakeChatModel(replies=lambda prompt: {"entities": []})

    `prompts` holds every prompt it was asked, in order.
    """

    def __init__(
        self,
        scores: ScoreRule | None = None,
        replies: ReplyRule | None = None,
        *,
        name: str = "fake-model",
        context_tokens: int = 8192,
    ) -> None:
        """Set the rules.

        Args:
            scores: Weights by candidate for a prompt; scaled to sum to one, missing ones are 0.
            replies: The JSON to reply to a prompt.
            name: The name that goes into the provenance.
            context_tokens: Longest prompt it claims to take.
        """
        self._scores = scores or _by_hash
        self._replies = replies
        self._name = name
        self._context_tokens = context_tokens
        self.prompts: list[Prompt] = []
        self.closed = False

    @property
    def name(self) -> str:
        """The name given."""
        return self._name

    @property
    def context_tokens(self) -> int:
        """The limit given."""
        return self._context_tokens

    async def score(
        self, prompts: Sequence[Prompt], candidates: Sequence[str] | Sequence[Sequence[str]]
    ) -> Sequence[Scores | Exception]:
        """Apply the rule for scores to every prompt."""
        self.prompts += prompts
        results: list[Scores | Exception] = []
        for index, prompt in enumerate(prompts):
            given = candidates if isinstance(candidates[0], str) else candidates[index]
            names = [str(name) for name in given]
            results.append(_scaled(self._scores(prompt, names), names, prompt))
        return results

    async def generate(
        self, prompts: Sequence[Prompt], schema: dict[str, JsonValue], max_tokens: int
    ) -> Sequence[Reply | Exception]:
        """Apply the rule for replies to every prompt.

        Raises:
            ValueError: The fake was given no rule for replies.
        """
        if self._replies is None:
            raise ValueError("this FakeChatModel has no rule for replies; give it `replies=`")
        self.prompts += prompts
        results: list[Reply | Exception] = []
        for prompt in prompts:
            answer = self._replies(prompt)
            if isinstance(answer, ModelError):
                results.append(answer)
                continue
            text = json.dumps(answer, ensure_ascii=False)
            results.append(Reply(text=text, finish="stop", usage=_usage(prompt, text)))
        return results

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


def _scaled(
    weights: Mapping[str, float] | ModelError, names: Sequence[str], prompt: Prompt
) -> Scores | Exception:
    if isinstance(weights, ModelError):
        return weights
    chosen = [weights.get(name, 0.0) for name in names]
    total = sum(chosen)
    if total <= 0:
        return ReplyUnreadable("The fake's rule gives no weight to any of the candidates.")
    probabilities = tuple(weight / total for weight in chosen)
    return Scores(probabilities=probabilities, method="label_path", usage=_usage(prompt, ""))


def _by_hash(prompt: Prompt, candidates: Sequence[str]) -> Mapping[str, float]:
    weights = {}
    for name in candidates:
        digest = hashlib.sha256(f"{prompt.model_dump_json()}\0{name}".encode()).digest()
        weights[name] = 1 + int.from_bytes(digest[:4], "big") / 2**24
    return weights


def _usage(prompt: Prompt, reply: str) -> Usage:
    words = sum(len(message.content.split()) for message in prompt.messages)
    return Usage(prompt_tokens=words, completion_tokens=len(reply.split()))
