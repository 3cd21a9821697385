"""The last look at a prompt before it leaves this machine."""

from __future__ import annotations

from collections.abc import Iterable

from llmlabel.domain.privacy import Privacy, strictest
from llmlabel.errors import RemoteRefused
from llmlabel.llm.protocol import Prompt


def refuse_private(prompts: Iterable[Prompt], model: str, service: Privacy) -> None:
    """Refuse to send what the privacy of its task, or of the service, keeps here.

    A prompt says itself what it holds, so this holds for whoever asks, and also for a model that
    is asked in place of another.

    Args:
        prompts: All that would be sent.
        model: Of a provider.
        service: What holds for every task.

    Raises:
        RemoteRefused: One of them must not be sent; then none is.
    """
    for prompt in prompts:
        level = strictest(prompt.privacy, service)
        if level == "local_only":
            raise RemoteRefused(
                f"The task is `local_only`, and {model} is a model of a provider, so nothing was "
                "sent; name a model of `llmlabel models list` instead.",
                field="privacy",
            )
        if level == "redact" and not prompt.redacted:
            raise RemoteRefused(
                f"The task is to be redacted, and this prompt for {model} is not, so nothing was "
                "sent; ask through a labeler built for the guideline, which masks it.",
                field="privacy",
            )
