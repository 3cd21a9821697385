from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.webhooks.signature import headers, is_signed, new_secret, signature

ID, WHEN, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text("utf-8")


def test_the_signature_is_the_one_that_the_specification_publishes() -> None:
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(SECRET, ID, WHEN, BODY) == expected
    assert signature(SECRET.removeprefix("whsec_"), ID, WHEN, BODY) == expected


def test_a_new_secret_has_256_bits_and_is_never_the_same() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(base64.b64decode(each.removeprefix("whsec_"))) for each in secrets} == {32}


def _shown() -> Any:
    """The function that the documentation shows."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/webhooks.md", "exec"), names)
    return names["verified"]


@pytest.mark.parametrize("check", ["ours", "documented"])
class TestWhatAnEndpointChecks:
    def is_signed(self, check: str, secret: str, sent: dict[str, str], body: bytes) -> bool:
        if check == "ours":
            return is_signed(secret, sent, body, WHEN)
        return bool(_shown()(secret, sent, body, WHEN))

    def test_both_secrets_of_a_rotation_are_good(self, check: str) -> None:
        old, new = new_secret(), new_secret()
        sent = headers([new, old], ID, WHEN, BODY)
        assert self.is_signed(check, old, sent, BODY)
        assert self.is_signed(check, new, sent, BODY)
        assert not self.is_signed(check, new_secret(), sent, BODY)

    @pytest.mark.parametrize("seconds", [-301, 301])
    def test_what_was_recorded_and_is_sent_again_is_refused(self, check: str, seconds: int) -> None:
        sent = headers([SECRET], ID, WHEN + seconds, BODY)
        assert not self.is_signed(check, SECRET, sent, BODY)

    def test_id_time_and_body_are_all_signed(self, check: str) -> None:
        sent = headers([SECRET], ID, WHEN, BODY)
        assert self.is_signed(check, SECRET, sent, BODY)
        assert not self.is_signed(check, SECRET, sent, BODY + b" ")
        assert not self.is_signed(check, SECRET, sent | {"webhook-id": "other"}, BODY)
        later = sent | {"webhook-timestamp": str(WHEN + 1)}
        assert not self.is_signed(check, SECRET, later, BODY)
        assert not self.is_signed(check, SECRET, sent | {"webhook-signature": "v1,"}, BODY)
        assert not self.is_signed(check, SECRET, sent | {"webhook-timestamp": "soon"}, BODY)


@given(st.text(), st.integers(0, 2**40), st.binary(), st.binary(min_size=24, max_size=64))
def test_what_is_signed_is_verified(id: str, when: int, body: bytes, key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    try:
        sent = headers([secret], id, when, body)
    except UnicodeEncodeError:
        return  # a lone surrogate is no id
    assert is_signed(secret, sent, body, when)
