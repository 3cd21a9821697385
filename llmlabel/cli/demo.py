"""`llmlabel demo`: the main job on a dozen shipped texts and one recording."""

from __future__ import annotations

import asyncio
import time
from importlib.resources import as_file, files

from rich.markdown import Markdown

from llmlabel.bootstrap import build
from llmlabel.cli.console import console
from llmlabel.cli.progress import Bar
from llmlabel.cli.table import LabelTable
from llmlabel.domain.label import Label, Route
from llmlabel.exchange import BadLine, Reader, TextItem
from llmlabel.settings import Settings

TASKS = ("sentiment", "intent", "ner", "pos")
RECORDING = "voicemail"

NEXT = """
Next, label something of your own:

    .venv/bin/llmlabel label FILE -g sentiment -g ner -o labels.jsonl

`FILE` is a text, a `.jsonl`, a `.csv`, a recording or a folder. `llmlabel serve` starts the
HTTP service, `llmlabel guidelines list` shows the tasks, `llmlabel eval sentiment` the quality.
"""


def demo() -> None:
    """Label a dozen shipped texts and one recording for all shipped tasks."""
    began = time.perf_counter()
    labels = asyncio.run(_label())
    accepted = sum(label.route is Route.ACCEPTED for label in labels)
    console.print(
        f"{len(labels)} labels in {time.perf_counter() - began:.1f} s: {accepted} accepted, "
        f"{len(labels) - accepted} for review. A confidence is calibrated once labels of yours "
        "are verified; until then it is the models' own estimate."
    )
    console.print(Markdown(NEXT))


async def _label() -> list[Label]:
    app = build(Settings())
    table, labels = LabelTable(), []
    with as_file(files("llmlabel") / "demo") as folder:
        items = list(Reader([folder / "texts.jsonl"]))
        documents = [item.document for item in items if isinstance(item, TextItem)]
        broken = [str(item) for item in items if isinstance(item, BadLine)]
        if broken:
            raise RuntimeError(f"the shipped texts cannot be read: {broken[0]}")
        guidelines = [app.guidelines.get(name) for name in TASKS]
        try:
            with Bar("labeling", len(guidelines) * (len(documents) + 1) + 1) as bar:
                spoken, heard = await app.transcribe(
                    next(folder.glob(f"{RECORDING}.*")), id=RECORDING
                )
                bar.advance(1)
                texts = {each.id: each.text for each in [*documents, spoken]}
                labels.append(heard)
                for guideline in guidelines:
                    labels += await app.label([*documents, spoken], guideline)
                    bar.advance(len(documents) + 1)
        finally:
            await app.close()
    order = {id: n for n, id in enumerate(texts)}
    labels.sort(key=lambda label: order[label.document_id])  # stable: tasks stay in order
    table.add(labels, texts)
    table.print()
    return labels
