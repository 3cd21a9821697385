"""Which prompts run together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmlabel.llm.batching import CACHE_POSITIONS, batches, group_prompts
from llmlabel.llm.chat_template import EncodedPrompt

tokens = st.lists(st.integers(0, 3), min_size=1, max_size=12)


@given(st.lists(st.integers(1, 9000), max_size=60), st.integers(1, 16), st.integers(0, 500))
def test_every_row_is_in_one_batch_within_the_bounds(
    lengths: list[int], limit: int, reserve: int
) -> None:
    found = list(batches(lengths, limit, reserve))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        width = max(lengths[index] for index in batch) + reserve
        assert len(batch) <= limit
        assert len(batch) == 1 or len(batch) * width <= CACHE_POSITIONS


@given(st.lists(st.tuples(tokens, tokens), max_size=20))
def test_a_group_shares_a_beginning_and_leaves_every_member_a_token(
    rows: list[tuple[list[int], list[int]]],
) -> None:
    prompts = {
        number: EncodedPrompt((*prefix, *rest), len(prefix))
        for number, (prefix, rest) in enumerate(rows)
    }
    groups = group_prompts(list(prompts.items()))
    assert sorted(number for group in groups for number in group.members) == list(prompts)
    for group in groups:
        assert 1 <= group.wanted <= len(group.shared)
        for number in group.members:
            ids = prompts[number].ids
            assert ids[: len(group.shared)] == group.shared
            assert len(group.shared) < len(ids)


def test_the_words_before_a_document_are_read_once_for_all() -> None:
    prompts = [EncodedPrompt((1, 2, 3, 50, 51, document, 60), 3) for document in (7, 8)]
    (group,) = group_prompts(list(enumerate(prompts)))
    assert group.shared == (1, 2, 3, 50, 51)
    assert group.wanted == 5
