"""A process that is to be killed: python worker.py URL FOLDER MODE COUNT.

MODE `label` labels COUNT documents, says `committed` and does nothing more; `send` runs a courier.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.store import Store
from llmlabel.webhooks.courier import Courier
from llmlabel.webhooks.send import Sender

GUIDELINE = "sentiment@1.0.0"


def label(document: Document) -> Label:
    return Label(
        document_id=document.id,
        text_sha256=document.text_sha256,
        guideline=GUIDELINE,
        guideline_sha256="0" * 64,
        answer=ChoiceAnswer(label="positive"),
        confidence=None,
        route=Route.ACCEPTED,
        reason="-",
        threshold=0.8,
        created_at=datetime.now(UTC),
    )


def main() -> None:
    url, folder, mode, count = sys.argv[1:]
    store = Store.open(url, recordings=Path(folder))
    if mode == "label":
        documents = [Document.of_text(f"text {n}", id=f"d{n}") for n in range(int(count))]
        store.documents.add(documents, [GUIDELINE])
        store.labels.save([label(document) for document in documents])
    else:
        courier = Courier(store, lambda: Sender(private=True), poll_seconds=0.02, hold_seconds=1.0)
        courier.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
