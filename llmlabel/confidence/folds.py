"""Which documents judge which: folds that hold a text together, whatever the order of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def folds_of(texts: Sequence[str], folds: int, seed: int = 0) -> NDArray[np.intp]:
    """Deal the texts into folds of nearly equal numbers of different texts.

    Args:
        texts: What identifies each text, such as its hash, shape (n,). Equal ones share a fold.
        folds: How many folds, at least 2; fewer where there are fewer different texts.
        seed: Another seed deals otherwise.

    Returns:
        The fold of each, shape (n,), from 0.
    """
    different = sorted(
        set(texts), key=lambda text: hashlib.sha256(f"{seed}\0{text}".encode()).digest()
    )
    fold = {text: rank % folds for rank, text in enumerate(different)}
    return np.array([fold[text] for text in texts], dtype=np.intp)
