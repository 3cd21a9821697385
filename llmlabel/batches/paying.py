"""Which batch pays for what is labeled."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.errors import BatchBudgetExhausted, InvalidInput
from llmlabel.jobs import LabelBatch
from llmlabel.llm.budget import Payer, paid_by
from llmlabel.store import Store


class PaidByBatch:
    """Labels documents so that what that costs is counted as their batch's; call it.

    Args:
        store: Knows which batch asked for a document.
        label_batch: Labels them.
    """

    def __init__(self, store: Store, label_batch: LabelBatch) -> None:
        self._store = store
        self._label_batch = label_batch

    async def __call__(self, documents: Sequence[Document], guideline: str) -> Sequence[Label]:
        """One label per document, in order; those of one batch are labeled together.

        Raises:
            BatchBudgetExhausted: A call might pass a batch's budget.
        """
        ids = [document.id for document in documents]
        payers = await asyncio.to_thread(self._store.batch_reads.payers, ids, guideline)
        if not payers:
            return await self._label_batch(documents, guideline)
        shares: dict[Payer | None, list[Document]] = defaultdict(list)
        for document in documents:
            asked = payers.get(document.id)
            payer = asked and Payer(self._store.spending, asked.scope, asked.budget_nano)
            shares[payer].append(document)
        labels: dict[str, Label] = {}
        for payer, some in shares.items():
            try:
                with paid_by(payer):
                    made = await self._label_batch(some, guideline)
            except BatchBudgetExhausted as error:
                if len(shares) == 1:
                    raise
                # Then they are tried one by one, and those of others are not held up.
                raise InvalidInput("One batch of several has no money left.") from error
            labels.update((document.id, each) for document, each in zip(some, made, strict=True))
        return [labels[id] for id in ids]
