"""Sentences as vectors whose dot product says how much alike they mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmlabel.errors import MissingModel, ModelCorrupt

MAX_TOKENS = 256
"""What comes after this many tokens of a text does not count."""

_BATCH = 32


class SentenceEmbedder:
    """A small sentence encoder (ONNX). May be used by several threads at once."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load the model.

        Args:
            folder: Holds `model.onnx` and `tokenizer.json`.
            threads: CPU threads.

        Raises:
            MissingModel: A file is not there.
            ModelCorrupt: A file cannot be read.
        """
        import onnxruntime  # noqa: PLC0415
        from tokenizers import Tokenizer  # noqa: PLC0415

        for file in (folder / "model.onnx", folder / "tokenizer.json"):
            if not file.is_file():
                raise MissingModel(
                    f"There is no file {file}; get it with: llmlabel models pull {folder.name}"
                )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as exc:  # neither library has an error class of its own to catch
            raise ModelCorrupt(
                f"The sentence encoder in {folder} cannot be read ({exc}); delete the folder and "
                f"get it again with: llmlabel models pull {folder.name}"
            ) from exc
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=MAX_TOKENS)
        self._inputs = frozenset(entry.name for entry in self._session.get_inputs())
        self.dimensions = int(self._session.get_outputs()[0].shape[-1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean of the token vectors, scaled to length one.

        Args:
            texts: Shape (n,); may be empty.

        Returns:
            Shape (n, dimensions).
        """
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        for left in range(0, len(order), _BATCH):
            batch = order[left : left + _BATCH]
            vectors[batch] = self._embed([ids[index] for index in batch])
        return vectors

    def _embed(self, rows: list[list[int]]) -> NDArray[np.float32]:
        width = max(len(row) for row in rows)
        ids = np.zeros((len(rows), width), np.int64)
        mask = np.zeros((len(rows), width), np.int64)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(
            None, {name: array for name, array in feed.items() if name in self._inputs}
        )[0]
        weights = mask[:, :, None].astype(np.float32)
        mean = (hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        norm = np.linalg.norm(mean, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (mean / np.maximum(norm, 1e-12)).astype(np.float32)
        return unit
