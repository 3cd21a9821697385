"""The labeler of recordings: judges the transcript that a document carries."""

from __future__ import annotations

from collections.abc import Sequence

from llmlabel.audio.evidence import transcript_prediction
from llmlabel.audio.protocol import Transcription
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction, Source


class TranscriptLabeler:
    """Says how sure Whisper was of what it wrote; the transcription itself came before."""

    name = "whisper"

    async def predict(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        earlier: Sequence[Sequence[Prediction]],
    ) -> Sequence[Prediction]:
        """One prediction per document; a text that nobody spoke is `unsupported`."""
        return [self._predict(document, guideline) for document in documents]

    def _predict(self, document: Document, guideline: Guideline) -> Prediction:
        if document.transcript is None:
            return Prediction(
                outcome=Outcome.UNSUPPORTED,
                source=Source(labeler=self.name, model=""),
                detail=f"{guideline.ref} labels recordings, and this is a text",
            )
        heard = Transcription(document.text, document.transcript, document.transcript.work_seconds)
        return transcript_prediction(heard, guideline)
