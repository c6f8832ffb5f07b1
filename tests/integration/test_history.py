"""Full dumps and restatement, as typed at the prompt."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["product_id,price", *rows]) + "\n")
    return path


def test_daily_dumps_are_imported_dated_and_guarded(foresell: Any, new_store: Path, tmp_path: Path) -> None:
    products = [f"p{number},{number}" for number in range(1, 9)]
    first = write(tmp_path / "products_2026-01-05.csv", products)
    second = write(tmp_path / "products.csv", products[:4])

    def take(*arguments: object) -> Any:
        return foresell("import", *arguments, "--as", "products", "--snapshot", "--store", new_store)

    imported = take(first)
    assert imported.code == 0, imported.err
    assert "a full dump, true from 2026-01-05 (by its name)" in imported.err
    refused = take(second, "--as-of", "2026-01-06")
    assert refused.code == 2
    assert "lacks 4 of the 8 keys of products" in refused.err
    assert "--allow-shrinking" in refused.err
    shrunk = take(second, "--as-of", "2026-01-06", "--allow-shrinking", "--json")
    assert shrunk.code == 0, shrunk.err
    [run] = shrunk.answer["runs"]
    assert (run["rows_read"], run["rows_duplicate"], run["keys_retired"]) == (4, 4, 4)
    assert "keys retired: 4" in shrunk.err


def test_a_kpi_is_told_as_reported(foresell: Any, small_store: Path) -> None:
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    options = ("--store", small_store, "--period", "month", "--json")
    asked = foresell("kpi", "orders", *options)
    ended = foresell("kpi", "orders", "--as-reported", today, *options)
    assert ended.code == 0, ended.err
    assert ended.answer["rows"] == [
        {**row, "value_as_reported": row["value"], "difference": 0} for row in asked.answer["rows"]
    ]
    shown = foresell("kpi", "orders", "--as-reported", today, "--store", small_store)
    assert "as known now and as reported at the end of" in shown.out
    assert "value_as_reported" in shown.out
    before = foresell("kpi", "orders", "--as-reported", "2001-01-01", "--store", small_store)
    assert (before.code, before.out) == (3, "")
    assert "no records on 2001-01-01 (its first is of" in before.err
    unnamed = foresell("kpi", "--as-reported", "2001-01-01", "--store", small_store)
    assert unnamed.code == 2
