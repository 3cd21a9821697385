from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction


class Labeler(Protocol):
    """Says what it thinks of a batch of documents; never stores, routes or retries.

    It returns one prediction per document, in order. What goes wrong with one document is
    that document's prediction with another outcome; what makes the labeler useless as a whole
    (a missing model, a rejected key) is raised.
    """

    @property
    def name(self) -> str:
        """The word for it in guidelines and provenance."""
        ...

    async def predict(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        earlier: Sequence[Sequence[Prediction]],
    ) -> Sequence[Prediction]:
        """Label the documents.

        Args:
            documents: Shape (n,).
            guideline: The task; its kind is one the labeler supports.
            earlier: What the labelers before this one in the cascade said, one sequence per
                document: a later labeler may look only at what they doubt.
        """
        ...
