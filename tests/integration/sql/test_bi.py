"""What BI tools read stays where it is: Parquet files, views in PostgreSQL, and examples that use them."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from foresell.contracts.columns import text
from foresell.contracts.errors import ConflictError, InputError
from foresell.services import export_bi as bi
from foresell.services.export import list_exports
from foresell.services.export_bi import DATASETS, export_bi
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.results import write_results
from foresell.services.shop import Shop, create_shop

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
AT = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
# What others have built on: a column may come, none may go or change its type.
PROMISED = {
    "kpis": "kpi text, period text, date date, dimension text, member text, value double precision",
    "forecasts": "series_id text, model text, cutoff_date date, date date",
    "scores": "task text, customer_id text, model text, score double precision, unit text",
    "segments": "segmentation text, customer_id text, segment text",
}


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Twelve customers who buy in two months, a category each half; a score and a segment of each."""
    folder = tmp_path_factory.mktemp("bi")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "5b" * 32)
        shop = create_shop(folder / "store")
        first = date(2024, 3, 4)
        files = {
            "products": ["product_id,category", "p1,food", "p2,toys"],
            "orders": [
                "order_id,customer_id,created_at,status,currency",
                *(f"o{n},c{n % 12},{first + timedelta(days=n)}T10:00:00,paid,USD" for n in range(48)),
            ],
            "order_lines": [
                "order_line_id,order_id,product_id,quantity,line_amount",
                *(f"l{n},o{n},p{1 + n % 2},1,{10 + n}" for n in range(48)),
            ],
        }
        for preset, rows in files.items():
            (folder / f"{preset}.csv").write_text("\n".join(rows) + "\n")
            import_files(shop, ImportRequest(folder / f"{preset}.csv", preset))
        _put_results(shop)
        yield shop


def _put_results(shop: Shop) -> None:
    at = pl.lit(AT, pl.Datetime("us", "UTC"))
    customers = pl.DataFrame({"customer_id": [f"c{n}" for n in range(12)]})
    scored = customers.with_columns(
        task=pl.lit("churn"),
        model=pl.lit("churn/1"),
        score=pl.lit(0.5),
        unit=pl.lit("probability"),
        lower=pl.lit(None, pl.Float64),
        upper=pl.lit(None, pl.Float64),
        is_chosen=pl.lit(value=True),
        reasons=pl.lit(None, pl.String),
        horizon_days=pl.lit(28.0),
        cutoff_at=at,
        made_at=at,
    )
    write_results(shop, "scores", scored, replaces={})
    members = customers.with_columns(
        segmentation=pl.lit("rfm"),
        segment=pl.lit("loyal"),
        model=pl.lit(None, pl.String),
        confidence=pl.lit(None, pl.Float64),
        cutoff_at=at,
        made_at=at,
    )
    write_results(shop, "segments", members, replaces={})


@pytest.fixture(scope="module")
def folder(sold: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("parquet")
    export_bi(sold, str(place))
    return place


def test_every_dataset_is_a_file_with_its_columns_also_without_rows(sold: Shop, folder: Path) -> None:
    for name, dataset in DATASETS.items():
        frame = pl.read_parquet(folder / f"{name}.parquet")
        assert frame.columns == [column.name for column in dataset.columns]
    assert pl.read_parquet(folder / "recommendations.parquet").is_empty()
    assert {entry.name for entry in list_exports(sold)} == {f"bi {name}" for name in DATASETS}


def test_the_parts_of_a_kpi_add_up_to_the_whole(folder: Path) -> None:
    kpis = pl.read_parquet(folder / "kpis.parquet").filter(kpi="net_sales")
    sums = kpis.filter(dimension="shop").group_by("period").agg(pl.col("value").sum())
    assert dict(sums.rows()) == dict.fromkeys(("day", "week", "month"), sum(10 + n for n in range(48)))
    months = kpis.filter(period="month")
    whole = months.filter(dimension="shop").sort("date")["value"].to_list()
    parts = months.filter(dimension="category").group_by("date").agg(pl.col("value").sum()).sort("date")
    assert parts["value"].to_list() == whole


def test_the_notebook_runs_on_what_was_exported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESELL_BI", str(folder))
    cells = json.loads((EXAMPLES / "bi.ipynb").read_text(encoding="utf-8"))["cells"]
    assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code")
    known: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), known)  # noqa: S102  # our own file
    assert known["net_sales"].height == 7
    assert known["parts"]["change"].sum() == pytest.approx(
        sum(known["parts"][known["after"]]) - sum(known["parts"][known["before"]])
    )
    assert [round(value) for _, value in known["orders"]] == [28, 20]


def test_a_place_that_holds_one_table_is_refused(sold: Shop, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="several files"):
        export_bi(sold, str(tmp_path / "all.parquet"))
    with pytest.raises(InputError, match="PostgreSQL"):
        export_bi(sold, f"sqlite:///{tmp_path}/a.db")
    with pytest.raises(InputError, match="store itself"):
        export_bi(sold, str(sold.folder.root / "bi"))


@pytest.fixture
def place(postgresql: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("FORESELL_SOURCE_PASSWORD", "geheim-4711")
    yield postgresql
    postgresql.execute("DROP SCHEMA IF EXISTS foresell CASCADE; DROP ROLE IF EXISTS reader")


@pytest.mark.postgresql
def test_views_keep_their_columns_rows_and_grants(
    sold: Shop, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_bi(sold, place.url)
    for view, promised in PROMISED.items():
        described = place.execute(
            "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute "
            f"WHERE attrelid = 'foresell.{view}'::regclass AND attnum > 0 ORDER BY attnum"
        )
        assert ", ".join(row[0] for row in described).startswith(promised), view
    place.execute(
        "CREATE ROLE reader; GRANT USAGE ON SCHEMA foresell TO reader; "
        "GRANT SELECT ON foresell.kpis TO reader; "
        "CREATE VIEW public.mine AS SELECT * FROM foresell.kpis"
    )
    more = (*bi.KPI_COLUMNS, text("note"))
    dataset = bi.Dataset("More.", more, lambda *_: iter([bi.Leaving(more, iter(()))]))
    monkeypatch.setitem(DATASETS, "kpis", dataset)
    export_bi(sold, place.url)
    assert place.execute("SELECT has_table_privilege('reader', 'foresell.kpis', 'SELECT')") == [(True,)]
    assert place.execute("SELECT count(*) FROM public.mine") == [(0,)]
    tables = place.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'foresell'")
    assert tables == [(len(DATASETS),)], "tables of older columns are gone"
    place.execute("DROP VIEW public.mine; DROP OWNED BY reader")


@pytest.mark.postgresql
def test_the_statements_of_the_example_are_answered(sold: Shop, place: Any) -> None:
    export_bi(sold, place.url)
    asked = (EXAMPLES / "bi.sql").read_text(encoding="utf-8")
    set_path, *statements = [part for part in asked.split(";") if part.strip()]
    place.execute(f"ALTER ROLE shop {set_path.strip().splitlines()[-1]}")
    answers = [place.execute(statement) for statement in statements]
    place.execute("ALTER ROLE shop RESET search_path")
    weeks, categories, figures, forecasts, whom = answers
    assert [week[0] for week in weeks][:2] == [date(2024, 3, 4), date(2024, 3, 11)]
    assert [name for name, *_ in categories] == ["toys", "food"]
    assert "净销售额" in {name for name, *_ in figures}
    assert forecasts == []
    assert whom == [("loyal", 12, 0.5)]


@pytest.mark.postgresql
def test_a_table_of_others_with_the_name_of_a_view_is_left_alone(sold: Shop, place: Any) -> None:
    place.execute("CREATE SCHEMA foresell; CREATE TABLE foresell.kpis (a int)")
    with pytest.raises(ConflictError, match="did not make it"):
        export_bi(sold, place.url)
    assert place.execute("SELECT count(*) FROM foresell.kpis") == [(0,)]
