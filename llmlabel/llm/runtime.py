"""The language model's forward pass on OpenVINO, row by row over one kept KV cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmlabel.errors import ModelCorrupt

Tokens = Sequence[int]
Logits = NDArray[np.float32]

CHUNK_COLUMNS = 512
"""Positions run at once; longer inputs go in pieces so that attention scores stay small."""


@dataclass(frozen=True)
class Snapshot:
    """The model's state after some tokens: KV cache, which positions count, next positions."""

    cache: tuple[NDArray[np.float32], ...]
    mask: NDArray[np.int64]
    position: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """How many sequences it holds."""
        return int(self.mask.shape[0])

    @property
    def bytes(self) -> int:
        """Memory it takes."""
        return sum(part.nbytes for part in self.cache)


class Runtime:
    """A compiled model with the sequences ("rows") it has read so far.

    `extend` is the one operation: every new row continues an old one with some more tokens.
    Rows may take different numbers of tokens; shorter ones are padded on the left with
    positions that no later token attends to. Not safe for use by two threads at once.
    """

    def __init__(self, model: Path, *, threads: int, options: dict[str, str] | None = None) -> None:
        """Read and compile.

        Args:
            model: The `.xml` of a stateful OpenVINO model (weights beside it).
            threads: CPU threads.
            options: More compile options of OpenVINO's CPU plugin.

        Raises:
            ModelCorrupt: The files cannot be read or are no language model.
        """
        import openvino  # noqa: PLC0415

        self._tensor = openvino.Tensor
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads),
            **(options or {}),
        }
        try:
            core = openvino.Core()
            network = core.read_model(str(model))
            _last_position_only(network)
            self._compiled: Any = core.compile_model(network, "CPU", config)
            self._request: Any = self._compiled.create_infer_request()
        except RuntimeError as exc:
            raise ModelCorrupt(
                f"The prepared model {model} cannot be loaded ({exc}); delete the folder "
                f"{model.parent} and try again: it will be prepared anew."
            ) from exc
        self._mask: NDArray[np.int64] = np.zeros((1, 0), np.int64)
        self._position: NDArray[np.int64] = np.zeros(1, np.int64)

    @property
    def rows(self) -> int:
        """How many sequences are held now."""
        return int(self._mask.shape[0])

    @property
    def columns(self) -> int:
        """Length of the KV cache, padding included."""
        return int(self._mask.shape[1])

    def reset(self) -> None:
        """Forget everything; one empty row remains."""
        self._request.reset_state()
        self._mask = np.zeros((1, 0), np.int64)
        self._position = np.zeros(1, np.int64)

    def save(self) -> Snapshot:
        """Copy the present state."""
        cache = tuple(np.array(part.state.data) for part in self._request.query_state())
        return Snapshot(cache, self._mask.copy(), self._position.copy())

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a saved state."""
        for part, kept in zip(self._request.query_state(), snapshot.cache, strict=True):
            part.state = self._tensor(kept)
        self._mask = snapshot.mask.copy()
        self._position = snapshot.position.copy()

    def extend(self, parents: Sequence[int], tokens: Sequence[Tokens]) -> Logits:
        """Continue old rows with new tokens; the rows given become the rows held.

        Args:
            parents: Which held row each new row continues, shape (n,); a row may be continued
                by several, or by none and is then forgotten.
            tokens: What each new row reads, at least one token each, shape (n,).

        Returns:
            The logits after each row's last token, shape (n, vocabulary).
        """
        width = max(len(row) for row in tokens)
        ids = np.zeros((len(tokens), width), np.int64)
        mask = np.zeros((len(tokens), width), np.int64)
        for row, given in enumerate(tokens):
            if not given:
                raise ValueError("a row must be continued with at least one token")
            ids[row, width - len(given) :] = given
            mask[row, width - len(given) :] = 1
        beam = np.asarray(parents, np.int32)
        start = self._position[beam]
        positions = np.maximum(start[:, None] + np.cumsum(mask, axis=1) - 1, 0)
        past = self._mask[beam]
        logits: Any = None
        for left in range(0, width, CHUNK_COLUMNS):
            right = min(left + CHUNK_COLUMNS, width)
            logits = self._infer(
                ids[:, left:right],
                np.concatenate([past, mask[:, :right]], axis=1),
                positions[:, left:right],
                beam if left == 0 else np.arange(len(beam), dtype=np.int32),
            )
        self._mask = np.concatenate([past, mask], axis=1)
        self._position = start + mask.sum(axis=1)
        return np.array(logits, np.float32)

    def _infer(
        self,
        ids: NDArray[np.int64],
        mask: NDArray[np.int64],
        positions: NDArray[np.int64],
        beam: NDArray[np.int32],
    ) -> NDArray[np.float32]:
        feed = {
            "input_ids": np.ascontiguousarray(ids),
            "attention_mask": mask,
            "position_ids": np.ascontiguousarray(positions),
            "beam_idx": beam,
        }
        found = self._request.infer(feed, share_inputs=True, share_outputs=True)
        logits: NDArray[np.float32] = next(iter(found.values()))[:, -1, :]
        return logits


def _last_position_only(network: Any) -> None:
    """Let the last matrix product, the widest of all, see each row's last position alone."""
    import openvino  # noqa: PLC0415

    ops = openvino.opset13
    head = network.get_results()[0].input(0).get_source_output().get_node()
    hidden = head.input(0).get_source_output()
    last = ops.gather(hidden, ops.constant(np.array([-1], np.int64)), ops.constant(np.int64(1)))
    head.input(0).replace_source_output(last.output(0))
    network.validate_nodes_and_infer_types()
