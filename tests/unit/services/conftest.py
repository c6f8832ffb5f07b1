"""A store of a test's own, and files to import into it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from foresell.contracts.records import IngestRun
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.shop import Shop, create_shop
from foresell.sources.readers import ReadOptions

ImportRows = Callable[..., IngestRun]
LINES = "order_line_id,order_id,product_id,quantity,line_amount"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """An empty store; its key is in the environment."""
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    return create_shop(tmp_path / "store")


@pytest.fixture
def import_rows(shop: Shop, tmp_path: Path) -> ImportRows:
    """Imports lines of CSV: `import_rows("l1,o1,p1,1,5", …, header=…, preset=…)` → the run."""
    made = 0

    def run(*rows: str, header: str = LINES, preset: str = "order_lines") -> IngestRun:
        nonlocal made
        made += 1
        path = tmp_path / f"file-{made}.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        [imported] = import_files(shop, ImportRequest(path, preset, options=ReadOptions(delimiter=",")))
        return imported

    return run


@pytest.fixture
def lines(shop: Shop) -> Callable[[], Sequence[tuple[str, float]]]:
    """The believed order lines: id and amount, in the order of their ids."""

    def read() -> Sequence[tuple[str, float]]:
        with shop.reading() as tables:
            rows = tables.current("order_lines").order_by("order_line_id").to_polars()
        return [(row["order_line_id"], float(row["line_amount"])) for row in rows.to_dicts()]

    return read
