from __future__ import annotations

import pytest

from llmlabel.domain.privacy import without_secrets


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://ada:pw@host:5432/db", "postgresql://ada:***@host:5432/db"),
        ("postgresql+psycopg://ada:p:w%40@host/db", "postgresql+psycopg://ada:***@host/db"),
        ("postgresql://ada:p@ss@host/db", "postgresql://ada:***@host/db"),
        ("https://token@host/v1", "https://***@host/v1"),
        ("hosted_vllm/my@https://user:pw@host/v1", "hosted_vllm/my@https://user:***@host/v1"),
        ("postgresql:///db?user=ada&password=pw", "postgresql:///db?user=ada&password=***"),
        ("https://host/v1?api_key=k&x=1", "https://host/v1?api_key=***&x=1"),
        ("sqlite:////var/lib/llmlabel.db", "sqlite:////var/lib/llmlabel.db"),
        ("hosted_vllm/my@https://host/v1", "hosted_vllm/my@https://host/v1"),
        ("openai/gpt-4o-mini", "openai/gpt-4o-mini"),
    ],
)
def test_what_lets_somebody_in_is_not_shown(given: str, shown: str) -> None:
    assert without_secrets(given) == shown
