"""What a model that stands before another one takes over as it is."""

from __future__ import annotations

from llmlabel.llm.protocol import ChatModel


class Wrapping:
    """The name, the limit and the end of the model behind.

    Args:
        model: The one behind.
    """

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """The model's own name."""
        return self._model.name

    @property
    def context_tokens(self) -> int:
        """The model's own limit."""
        return self._model.context_tokens

    async def close(self) -> None:
        """Free what the model holds."""
        await self._model.close()
