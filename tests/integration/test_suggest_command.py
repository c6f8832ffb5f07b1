"""`foresell import FILE --suggest`, from the command line to rows in a store."""

import tomllib
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "fixtures" / "suggest_dev" / "jd_orders.csv"


def test_suggest_save_and_import(foresell: Any, tmp_path: Path) -> None:
    mapping = tmp_path / "jd.toml"
    ended = foresell("import", FILE, "--suggest", "--save", mapping)
    assert ended.code == 0, ended.err
    assert "order_lines.quantity" in ended.out or "quantity" in ended.out
    assert f"foresell import {FILE} --mapping {mapping}" in ended.out
    assert tomllib.loads(mapping.read_text(encoding="utf-8"))["tables"]["order_lines"]["primary"]
    store = tmp_path / "store"
    assert foresell("init", store).code == 0
    imported = foresell("import", FILE, "--mapping", mapping, "--store", store, "--json")
    assert imported.code == 0, imported.err
    [run] = imported.answer["runs"]
    assert run["rows_accepted"] >= 0.95 * run["rows_read"]


def test_a_saved_mapping_is_never_written_over(foresell: Any, tmp_path: Path) -> None:
    mapping = tmp_path / "mine.toml"
    mapping.write_text("# by hand")
    ended = foresell("import", FILE, "--suggest", "--save", mapping)
    assert ended.code == 4
    assert mapping.read_text() == "# by hand"


def test_json_alone_on_standard_output(foresell: Any) -> None:
    ended = foresell("import", FILE, "--suggest", "--json")
    assert ended.code == 0, ended.err
    assert ended.answer["table"] == "order_lines"
    assert {"column", "target", "confidence", "reasons", "alternatives"} <= set(ended.answer["columns"][0])
    assert ended.answer["mapping_toml"].startswith("#")
    assert len(ended.answer["preview"]) == 10
