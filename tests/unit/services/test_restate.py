"""A KPI as it was reported on a day, beside what is known now: by hand, and as the law of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.records import IngestRun
from foresell.contracts.settings import Settings
from foresell.kpis import KPIS
from foresell.kpis.query import query_kpi
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.measure import Question, measure
from foresell.services.restate import REFUSED, ROW_NAMES, restate
from foresell.services.shop import Shop, create_shop
from foresell.services.upkeep import rebuild
from foresell.sources.readers import ReadOptions
from foresell.store.as_reported import AsReportedTables

ORDERS = "order_id,customer_id,created_at,channel,status"
LINES = "order_line_id,order_id,product_id,quantity,line_amount"


def import_csv(shop: Shop, path: Path, preset: str, rows: Sequence[str], **options: Any) -> IngestRun:
    header = ORDERS if preset == "orders" else LINES
    path.write_text("\n".join([header, *rows]) + "\n")
    request = ImportRequest(path, preset, options=ReadOptions(delimiter=","), **options)
    [run] = import_files(shop, request)
    return run


def recorded_on(shop: Shop, days: Sequence[date]) -> None:
    """As if the runs had been recorded on these days (at noon in UTC), one after another."""
    for run, day in zip(shop.folder.raw.runs(), days, strict=True):
        moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        shop.folder.raw.replace(replace(run, recorded_at=moment))
    rebuild(shop)


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """On March 1st two orders of 10 and 20; on the 3rd the first is 15 and a third order of 7 is known; on
    the 5th the second order turns out to be cancelled."""
    folder = tmp_path_factory.mktemp("corrected")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "5a" * 32)
        shop = create_shop(folder / "store")
        correct_twice(shop, folder)
        yield shop


def correct_twice(shop: Shop, folder: Path) -> None:
    orders = ["o1,c1,2024-02-01,web,paid", "o2,c2,2024-02-02,store,paid"]
    import_csv(shop, folder / "a.csv", "orders", orders)
    import_csv(shop, folder / "b.csv", "order_lines", ["l1,o1,p1,1,10", "l2,o2,p1,1,20"])
    import_csv(shop, folder / "c.csv", "order_lines", ["l1,o1,p1,1,15", "l3,o3,p2,1,7"])
    import_csv(shop, folder / "d.csv", "orders", ["o3,c1,2024-02-02,,paid"])
    import_csv(shop, folder / "e.csv", "orders", ["o2,c2,2024-02-02,store,cancelled"])
    days = [date(2024, 3, day) for day in (1, 1, 3, 3, 5)]
    recorded_on(shop, days)


@pytest.mark.parametrize(("day", "reported"), [(1, 30), (2, 30), (3, 42), (4, 42), (5, 22), (9, 22)])
def test_net_sales_as_reported(corrected: Shop, day: int, reported: float) -> None:
    restated = restate(corrected, "net_sales", Question(), date(2024, 3, day))
    assert restated.unit == "USD"
    assert restated.rows == [{"value": 22, "value_as_reported": reported, "difference": 22 - reported}]


def test_a_split_by_period_and_channel(corrected: Shop) -> None:
    question = Question(by="channel", period="day")
    restated = restate(corrected, "net_sales", question, date(2024, 3, 1))
    assert restated.as_record()["rows"] == [
        {"period": "2024-02-01", "channel": "web", "value": 15, "value_as_reported": 10, "difference": 5},
        {"period": "2024-02-02", "channel": "store", "value": 0, "value_as_reported": 20, "difference": -20},
        {"period": "2024-02-02", "channel": None, "value": 7, "value_as_reported": 0, "difference": 7},
    ]


def test_a_rate_of_nothing_is_null_and_so_is_its_difference(corrected: Shop) -> None:
    question = Question(by="channel", where=("channel=store",))
    restated = restate(corrected, "average_order_value", question, date(2024, 3, 1))
    assert restated.rows == [{"channel": "store", "value": None, "value_as_reported": 20, "difference": None}]


def test_a_kpi_of_named_columns_has_a_row_a_measure(corrected: Shop) -> None:
    restated = restate(corrected, "lifetime_value", Question(), date(2024, 3, 1))
    assert restated.rows == [
        {
            "cohort": "2024-02-01",
            "measure": measure,
            "value": now,
            "value_as_reported": then,
            "difference": more,
        }
        for measure, now, then, more in (
            ("customers", 1, 2, -1),
            ("net_sales", 22, 30, -8),
            ("lifetime_value", 22, 15, 7),
        )
    ]


def test_every_kpi_can_be_restated_or_says_why_not() -> None:
    named = {name for name, kpi in KPIS.items() if kpi.read_rows}
    assert named == set(ROW_NAMES) | set(REFUSED)
    for name, columns in ROW_NAMES.items():
        assert set(columns) < set(KPIS[name].columns)


def test_what_cannot_be_restated_is_refused_with_the_reason(corrected: Shop) -> None:
    with pytest.raises(InputError, match="above a threshold"):
        restate(corrected, "basket_affinity", Question(), date(2024, 3, 1))
    with pytest.raises(NotFoundError, match=r"no records on 2024-02-29 \(its first is of 2024-03-01 12:00\)"):
        restate(corrected, "net_sales", Question(), date(2024, 2, 29))
    with pytest.raises(InputError, match="not known yet"):
        restate(corrected, "net_sales", Question(), date(2999, 1, 1))


def test_a_kpi_that_lacked_its_table_then_says_so(shop: Shop, tmp_path: Path) -> None:
    import_csv(shop, tmp_path / "a.csv", "orders", ["o1,c1,2024-02-01,web,paid"])
    import_csv(shop, tmp_path / "b.csv", "order_lines", ["l1,o1,p1,1,10"])
    recorded_on(shop, [date(2024, 3, 1), date(2024, 3, 3)])
    with pytest.raises(NotFoundError, match="As reported on 2024-03-02: 'units' needs order_lines"):
        restate(shop, "units", Question(), date(2024, 3, 2))


def test_a_day_ends_where_the_shop_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noon of March 1st in UTC is the 2nd in Kiritimati, 14 hours ahead."""
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    shop = create_shop(tmp_path / "store", {"store": {"time_zone": "Pacific/Kiritimati"}})
    import_csv(shop, tmp_path / "b.csv", "orders", ["o1,c1,2024-02-01,web,paid"])
    recorded_on(shop, [date(2024, 3, 1)])
    with pytest.raises(NotFoundError, match="its first is of 2024-03-02 02:00"):
        restate(shop, "orders", Question(), date(2024, 3, 1))
    [row] = restate(shop, "orders", Question(), date(2024, 3, 2)).rows
    assert row["value_as_reported"] == 1


@pytest.mark.spark
def test_spark_agrees(corrected: Shop, spark: Any) -> None:
    question = Question(by="channel", period="day", where=("channel=store", "channel=web"))
    here = restate(corrected, "net_sales", question, date(2024, 3, 3))
    assert restate(corrected, "net_sales", question, date(2024, 3, 3), "spark") == here


amounts = st.dictionaries(st.sampled_from(["l1", "l2", "l3"]), st.integers(1, 3), min_size=1)
states = st.dictionaries(st.sampled_from(["o1", "o2"]), st.sampled_from(["paid", "cancelled"]), min_size=1)
files = st.tuples(st.just("order_lines"), amounts) | st.tuples(st.just("orders"), states)


@settings(max_examples=5, deadline=None)
@given(imports=st.lists(st.tuples(files, st.booleans()), min_size=2, max_size=4))
def test_as_reported_is_what_the_store_said_with_the_runs_up_to_then(
    tmp_path_factory: pytest.TempPathFactory, imports: list[Any]
) -> None:
    """Whatever is imported afterwards: new rows, corrections, cancellations, full dumps that lack keys."""
    folder = tmp_path_factory.mktemp("restate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "5a" * 32)
        shop = create_shop(folder / "store")
        import_csv(shop, folder / "heads.csv", "orders", ["o1,c1,2024-02-01,web,paid"])
        said: list[tuple[datetime, Any]] = []
        for number, ((preset, values), is_dump) in enumerate(imports):
            shape = "{0},o1,p1,1,{1}" if preset == "order_lines" else "{0},c1,2024-02-01,web,{1}"
            rows = [shape.format(key, value) for key, value in values.items()]
            options = {"is_snapshot": is_dump, "may_shrink": True}
            run = import_csv(shop, folder / f"{number}.csv", preset, rows, **options)
            said.append((run.started_at + timedelta(microseconds=1), report(shop)))
        for moment, reported in said:
            assert report(shop, moment) == reported
        rebuild(shop)
        assert [report(shop, moment) for moment, _ in said] == [reported for _, reported in said]


def report(shop: Shop, until: datetime | None = None) -> Any:
    """Net sales, orders and the rows of two tables: as known now, or as reported until then."""
    with shop.reading() as tables:
        seen = tables if until is None else AsReportedTables(tables, until)
        answers = []
        for kpi in ("net_sales", "orders"):
            try:
                answers.append(query_kpi(seen, Settings(), kpi).rows)
            except NotFoundError as error:
                answers.append([{"lacks": error.message}])
        rows = [sorted(map(str, seen.current(t).to_pyarrow().to_pylist())) for t in ("orders", "order_lines")]
        return answers, rows


def test_what_is_known_now_is_what_the_kpi_says_itself(corrected: Shop) -> None:
    question = Question(period="month")
    rows = restate(corrected, "net_sales", question, date(2024, 3, 1)).rows
    now = [{"period": row["period"], "value": row["value"]} for row in rows]
    assert now == measure(corrected, "net_sales", question).rows
