from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_packages_has_the_order_of_the_layers() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    table = page.partition("| package |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE)
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    [layers] = [
        each["layers"]
        for each in config["tool"]["importlinter"]["contracts"]
        if each["type"] == "layers"
    ]
    level = {
        name.strip().removeprefix("llmlabel."): number
        for number, layer in enumerate(reversed(layers))
        for name in layer.split("|")
    }
    assert sorted(told) == sorted(level)
    low_to_high = [level[name] for name in told]
    # `api` and `cli` share a row, in this order.
    assert low_to_high == sorted(low_to_high)
