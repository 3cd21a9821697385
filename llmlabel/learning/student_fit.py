"""How a student learns, and how it is judged on texts that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.choice_calibrator import effective_weight
from llmlabel.confidence.folds import folds_of
from llmlabel.errors import InvalidInput
from llmlabel.labelers.student import Memory, Student, spoken_of
from llmlabel.pooling import log_softmax

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Ints = NDArray[np.intp]

PROTOTYPE_SCALE = 20.0
"""Logits of the prior model: so many times the cosine with a label's prototype."""
PROTOTYPE_COUNT = 1.0
"""A label's own name counts as so many verified examples of it."""
FREEDOMS = (1.0, 5.0, 30.0)
"""Variances of the weights about the prior model that are tried, strictest first."""
INNER_PARTS, LEAST_TO_CHOOSE = 4, 60
"""The freedom is chosen on a quarter of the examples where there are as many as this."""
MANY = 1000
_STEPS = 60


@dataclass(frozen=True)
class _Model:
    weights: Vectors
    bias: Vectors

    def logits(self, vectors: Vectors) -> Floats:
        made: Floats = (vectors @ self.weights + self.bias).astype(np.float64)
        return made


@dataclass(frozen=True)
class CrossFittedStudent:
    """What students say of texts that they did not learn from.

    Attributes:
        logs: Log-probability of every label, as `Student.logs`, shape (n, labels).
        extras: Evidence on each, as the labeler gives it, shape (n,).
        freedom: Of the students, to fit one on all in the same way.
        temperature: Of the logits of all, for one fitted on all.
    """

    logs: Floats
    extras: dict[str, Floats]
    freedom: float
    temperature: float


def fit_student(
    vectors: Vectors,
    labels: Ints,
    names: Sequence[str],
    text_sha: Sequence[str],
    *,
    prototypes: Vectors | None = None,
    weight: Floats | None = None,
    seed: int = 0,
    freedom: float | None = None,
    temperature: float | None = None,
) -> Student:
    """Learn from verified labels.

    A multinomial logistic model whose weights have a normal prior about a prototype model:
    the cosine with the mean of a label's examples and the embedding of its name. With few
    examples it is that model, with many it is free of it; labels never seen are still told
    apart by their names.

    Args:
        vectors: Sentence embeddings of unit length, shape (n, dimensions).
        labels: By index into `names`, shape (n,).
        names: The labels of the guideline, shape (labels,).
        text_sha: SHA-256 of each text, shape (n,).
        prototypes: Embeddings of the labels' names and definitions, shape (labels,
            dimensions); without them a label is known by its examples alone.
        weight: How many documents each example stands for, shape (n,).
        seed: Of the split on which freedom and temperature are chosen.
        freedom: Variance of the weights about the prior; chosen on held-out examples when None.
        temperature: Likewise.

    Raises:
        InvalidInput: There is no example.
    """
    n = len(labels)
    if n == 0:
        raise InvalidInput("A student needs verified labels to learn from.", field="labels")
    mass = effective_weight(weight, n)
    if freedom is None or temperature is None:
        best, heat = _choose(vectors, labels, len(names), text_sha, prototypes, mass, seed)
        freedom = best if freedom is None else freedom
        temperature = heat if temperature is None else temperature
    model = _fit(vectors, labels, len(names), prototypes, mass, freedom)
    return Student(
        tuple(names),
        model.weights,
        model.bias,
        temperature,
        _memory(vectors, labels, text_sha),
    )


def cross_fit_student(
    vectors: Vectors,
    labels: Ints,
    names: Sequence[str],
    text_sha: Sequence[str],
    *,
    prototypes: Vectors | None = None,
    weight: Floats | None = None,
    folds: int | None = None,
    seed: int = 0,
    freedom: float | None = None,
    temperature: float | None = None,
) -> CrossFittedStudent:
    """Judge every text by a student that did not learn from it.

    Arguments as in `fit_student`; labels of -1 (no label is right) are judged and not learned
    from. `folds` are 10, or 5 from 1,000 labels on: the fewer there are, the more is lost with
    those left out. A text's own label has no part in its logits nor in its neighbours; the
    freedom and the temperature are two numbers chosen once on all, unless they are given.

    Raises:
        InvalidInput: Fewer than two different texts have a label.
    """
    n = len(labels)
    known = labels >= 0
    if len({text_sha[i] for i in np.flatnonzero(known).tolist()}) < 2:
        raise InvalidInput(
            "A student needs verified labels of at least two different texts.", field="labels"
        )
    mass = effective_weight(weight, n)
    count = len(names)
    if freedom is None:
        sha = [text_sha[i] for i in np.flatnonzero(known).tolist()]
        freedom, _ = _choose(
            vectors[known], labels[known], count, sha, prototypes, mass[known], seed
        )
    fold = folds_of(text_sha, folds or (10 if n < MANY else 5), seed)
    logits = np.zeros((n, count))
    for part in np.unique(fold):
        inside = fold == part
        learn = known & ~inside
        model = _fit(vectors[learn], labels[learn], count, prototypes, mass[learn], freedom)
        logits[inside] = model.logits(vectors[inside])
    if temperature is None:
        temperature = _temperature(logits[known], labels[known], mass[known])
    logs = spoken_of(log_softmax(logits / temperature))
    answer = logits.argmax(axis=1)
    sha = [text_sha[i] for i in np.flatnonzero(known).tolist()]
    near = _memory(vectors[known], labels[known], sha).nearest(vectors, answer, text_sha)
    return CrossFittedStudent(logs, near.evidence(answer), freedom, temperature)


def _memory(vectors: Vectors, labels: Ints, text_sha: Sequence[str]) -> Memory:
    return Memory(
        vectors.astype(np.float16), labels.astype(np.int32), np.array(text_sha, dtype="S64")
    )


def _choose(
    vectors: Vectors,
    labels: Ints,
    count: int,
    text_sha: Sequence[str],
    prototypes: Vectors | None,
    weight: Floats,
    seed: int,
) -> tuple[float, float]:
    """The freedom under which held-out labels are most probable, and its temperature."""
    if len(labels) < LEAST_TO_CHOOSE:
        return FREEDOMS[0], 1.0
    held = folds_of(text_sha, INNER_PARTS, seed + 1) == 0
    if not held.any() or held.all():
        return FREEDOMS[0], 1.0
    tried = []
    start: _Model | None = None
    for freedom in FREEDOMS:
        start = _fit(
            vectors[~held], labels[~held], count, prototypes, weight[~held], freedom, start
        )
        logits = start.logits(vectors[held])
        heat = _temperature(logits, labels[held], weight[held])
        loss = _loss(logits / heat, labels[held], weight[held])
        tried.append((loss, freedom, heat))
    _, freedom, heat = min(tried)
    return freedom, heat


def _fit(
    vectors: Vectors,
    labels: Ints,
    count: int,
    prototypes: Vectors | None,
    weight: Floats,
    freedom: float,
    start: _Model | None = None,
) -> _Model:
    """The most probable weights, by L-BFGS in single precision."""
    from scipy.optimize import minimize  # noqa: PLC0415

    n, size = vectors.shape
    mass = weight.astype(np.float32)
    rows = np.arange(n)
    prior = _prior(vectors, labels, count, prototypes, mass)
    begin = np.vstack([start.weights, start.bias[None]]) if start else _with_bias(prior)

    def objective(at: Floats) -> tuple[float, Floats]:
        whole = at.astype(np.float32).reshape(size + 1, count)
        away = whole[:size] - prior
        logits = vectors @ whole[:size] + whole[size]
        logits -= logits.max(axis=1, keepdims=True)
        chance = np.exp(logits)
        total = chance.sum(axis=1)
        loss = float(mass @ (np.log(total) - logits[rows, labels]))
        loss += 0.5 / freedom * float((away**2).sum() + 0.1 * (whole[size] ** 2).sum())
        chance *= (mass / total)[:, None]
        chance[rows, labels] -= mass
        slope = np.empty_like(whole)
        slope[:size] = vectors.T @ chance + away / freedom
        slope[size] = chance.sum(axis=0) + 0.1 * whole[size] / freedom
        return loss, slope.astype(np.float64).ravel()

    found = minimize(
        objective,
        begin.ravel().astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _STEPS, "ftol": 1e-5, "gtol": 1e-2},
    ).x
    whole = found.astype(np.float32).reshape(size + 1, count)
    return _Model(whole[:size].copy(), whole[size].copy())


def _prior(
    vectors: Vectors, labels: Ints, count: int, prototypes: Vectors | None, mass: Vectors
) -> Vectors:
    """Weights of the prototype model, shape (dimensions, labels)."""
    mean = (mass @ vectors) / mass.sum()
    sums = np.zeros((count, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, labels, vectors * mass[:, None])
    sums += PROTOTYPE_COUNT * (prototypes if prototypes is not None else mean[None])
    unit = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    made: Vectors = (PROTOTYPE_SCALE * (unit - mean)).T.astype(np.float32)
    return made


def _with_bias(weights: Vectors) -> Vectors:
    whole: Vectors = np.vstack([weights, np.zeros((1, weights.shape[1]), dtype=np.float32)])
    return whole


def _temperature(logits: Floats, labels: Ints, weight: Floats) -> float:
    """The temperature under which the labels are most probable, between 0.1 and 10.

    A weak prior about 1 holds it where labels are few.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415

    total = float(weight.sum())
    found = minimize_scalar(
        lambda log_heat: total * _loss(logits / np.exp(log_heat), labels, weight) + 2 * log_heat**2,
        bounds=(np.log(0.1), np.log(10)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))


def _loss(logits: Floats, labels: Ints, weight: Floats) -> float:
    """Mean negative log-probability of the labels."""
    log = log_softmax(logits)[np.arange(len(labels)), labels]
    return -float(weight @ log / weight.sum())
