"""What a service looks after beside its work."""

from __future__ import annotations

import structlog

from llmlabel.upkeep import Upkeep


def test_a_duty_that_fails_is_named_and_holds_up_no_other() -> None:
    done: list[str] = []

    def fails() -> None:
        raise OSError("no room")

    round_ = Upkeep({"erase": fails, "watch": lambda: done.append("watch")})
    with structlog.testing.capture_logs() as logs:
        round_()
        round_()
    assert done == ["watch", "watch"]
    assert [log["duty"] for log in logs] == ["erase", "erase"]
