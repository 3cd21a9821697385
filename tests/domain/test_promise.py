from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from llmlabel.domain.promise import Promise
from llmlabel.errors import InvalidInput

SHARES = st.floats(0.001, 0.999)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_nothing_and_all_are_no_promise(share: float) -> None:
    with pytest.raises(ValidationError, match="error"):
        Promise(error=share)
    with pytest.raises(ValidationError, match="probability"):
        Promise(error=0.05, probability=share)


@pytest.mark.parametrize(
    "text",
    [
        "delivered:0:0.95",
        "delivered:1:0.95",
        "delivered:0.05:0",
        "accepted:0.05:1",
        "delivered:nan:0.95",
        "delivered:5%:95%",
        "delivered:0.05",
        "sometimes:0.05:0.95",
        "",
    ],
)
def test_what_cannot_be_promised_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"delivered:0\.05:0\.95"):
        Promise.parse(text)


@given(st.sampled_from(["delivered", "accepted"]), SHARES, SHARES)
def test_a_promise_is_read_back_from_its_text(kind: str, error: float, probability: float) -> None:
    promise = Promise.parse(f"{kind}:{error:g}:{probability:g}")
    assert Promise.parse(str(promise)) == promise
    assert promise.kind == kind
    assert promise.error == pytest.approx(error, rel=1e-5)


def test_the_sentence_says_which_labels_are_meant() -> None:
    assert "of all labels delivered" in Promise.parse("delivered:0.05:0.95").sentence
    assert "without a person" in Promise.parse("accepted:0.1:0.9").sentence


@pytest.mark.parametrize("share", [5e-324, 1e-9, 1 - 1e-16])
def test_a_share_that_no_gold_could_prove_is_refused(share: float) -> None:
    with pytest.raises(ValidationError):
        Promise(error=0.1, probability=share)
    with pytest.raises(ValidationError):
        Promise(error=share)
    with pytest.raises(InvalidInput, match="by a millionth"):
        Promise.parse(f"delivered:0.1:{share!r}")
