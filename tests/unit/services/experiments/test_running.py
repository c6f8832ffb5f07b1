"""An experiment from its declaration to its result, on a small shop that is served."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.services.erase import erase
from foresell.services.experiments.declaration import make_declaration
from foresell.services.experiments.exposing import Exposure, log_exposures, move_exposures
from foresell.services.experiments.result import KINDS, experiment_conditions, experiment_result
from foresell.services.experiments.running import declare, experiments, start, stop, variant_of
from foresell.services.rebuild import rebuild_tables
from foresell.services.shop import Shop
from foresell.services.writing import writing

from ..conftest import ImportRows

NOW = datetime.now(UTC)
NUM = 700


def variants(**more: object) -> dict[str, object]:
    return {
        "name": "a-test",
        "metric": "revenue",
        "guardrails": ["conversion"],
        "variants": [{"name": "control", "share": 0.5}, {"name": "other", "share": 0.5}],
        **more,
    }


def orders_of(import_rows: ImportRows, rows: list[tuple[str, datetime, float]], prefix: str = "o") -> None:
    import_rows(
        *(f"{prefix}{n},{c},{at.isoformat()},{a:.2f}" for n, (c, at, a) in enumerate(rows)),
        header="order_id,customer_id,created_at,total_amount",
        preset="orders",
    )


@pytest.fixture
def shop_with_orders(shop: Shop, import_rows: ImportRows) -> Shop:
    """Customer cN bought for 1–50 forty and twenty days ago, and every second one two days ago."""
    rows = [(f"c{n}", NOW - timedelta(days=day), 1 + n % 50.0) for n in range(NUM) for day in (40, 20)]
    rows += [(f"c{n}", NOW - timedelta(days=2), 1 + n % 50.0) for n in range(0, NUM, 2)]
    orders_of(import_rows, [*rows, ("late", NOW - timedelta(hours=1), 1.0)])
    return shop


def exposures(shop: Shop, at: datetime, *, lost: str = "") -> list[Exposure]:
    found = [(f"c{n}", variant_of(shop, "a-test", f"c{n}")) for n in range(NUM)]
    return [
        Exposure("a-test", variant, customer, "m/1; rules 0; none", 0.5, at)
        for customer, variant in found
        if variant is not None and variant != lost
    ]


def test_what_was_shown_reaches_the_table_once(shop_with_orders: Shop) -> None:
    """Logged by two processes and moved twice, each customer is there once, with the first moment; it is
    there after a rebuild, and not after an erasure."""
    shop = shop_with_orders
    declare(shop, make_declaration(variants()), "ann")
    start(shop, "a-test", "ann")
    some = exposures(shop, NOW - timedelta(days=10))[:5]
    later = exposures(shop, NOW - timedelta(days=9))[:6]
    log_exposures(shop, later)
    log_exposures(shop, some)
    assert [run.counts.rows_accepted for run in move_exposures(shop)] == [6]
    log_exposures(shop, some)
    assert move_exposures(shop) == []
    shop.folder.logs["experiment_exposures"].close()
    with writing(shop, "test"):
        rebuild_tables(shop)
    moments = {one.customer_id: one.occurred_at for one in [*later, *some]}
    assert exposed(shop) == moments
    erase(shop, [some[0].customer_id])
    assert move_exposures(shop) == []
    assert some[0].customer_id not in exposed(shop)
    with shop.reading() as tables:
        assert some[0].customer_id not in tables.current("experiment_exposures").to_polars()["customer_id"]


def test_a_mover_that_is_killed_loses_nothing_and_doubles_nothing(shop: Shop) -> None:
    log_exposures(shop, [Exposure("a-test", "control", f"c{n}", "m", 0.5, NOW) for n in range(9)])
    code = (
        "import sys; from pathlib import Path; from foresell.services.shop import open_shop;"
        "from foresell.services.experiments.exposing import move_exposures as move;"
        "move(open_shop(Path(sys.argv[1])))"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, str(shop.folder.root)],
        env={**os.environ, "FORESELL_KILL_AT": "exposures.published"},
        check=False,
    )
    assert killed.returncode < 0
    move_exposures(shop)
    assert len(exposed(shop)) == 9


def exposed(shop: Shop) -> dict[str, datetime]:
    with shop.reading() as tables:
        rows = tables.current("exposures").select("customer_id", "occurred_at").to_polars()
    assert rows["customer_id"].is_unique().all()
    return {row["customer_id"]: row["occurred_at"].astimezone(UTC) for row in rows.to_dicts()}


def test_a_true_difference_is_found_and_told_in_money(
    shop_with_orders: Shop, import_rows: ImportRows
) -> None:
    """After they were shown it, those of the variant spend 20 more than before, those of the control as
    before: their past foretells nearly all of it, so that 700 customers are enough."""
    shop = shop_with_orders
    declare(shop, make_declaration(variants()), "ann")
    begun = start(shop, "a-test", "ann")
    assert begun.plan is not None
    assert begun.plan["metrics"][0]["reduction"] >= 0
    shown = exposures(shop, NOW - timedelta(days=10))
    log_exposures(shop, shown)
    usual = {f"c{n}": 1 + n % 50.0 + n * 37 % 11 for n in range(NUM)}
    spent = [
        (one.customer_id, NOW - timedelta(days=8), usual[one.customer_id] + 20.0 * (one.variant == "other"))
        for one in shown
    ]
    orders_of(import_rows, spent, "after")
    found = experiment_result(shop, "a-test")
    assert sum(found.measured.values()) == sum(found.exposed.values()) == NUM
    assert found.is_divided_as_meant
    money, conversion = found.findings
    assert money.verdict == "better"
    assert money.adjusted.difference.lower < 20 < money.adjusted.difference.upper
    assert money.reduction > 0.9
    assert money.adjusted.difference.upper - money.adjusted.difference.lower < 0.5 * (
        money.raw.difference.upper - money.raw.difference.lower
    )
    assert money.money() == pytest.approx(
        tuple(
            getattr(money.adjusted.difference, name) * found.measured["other"]
            for name in ("value", "lower", "upper")
        )
    )
    assert conversion.verdict == "no_difference"
    assert experiment_conditions(found) == []


def test_lost_exposures_of_a_variant_are_alarmed(shop_with_orders: Shop) -> None:
    shop = shop_with_orders
    declare(shop, make_declaration(variants()), "ann")
    start(shop, "a-test", "ann")
    shown = exposures(shop, NOW - timedelta(days=10))
    log_exposures(shop, [one for n, one in enumerate(shown) if one.variant == "control" or n % 3])
    found = experiment_result(shop, "a-test")
    assert not found.is_divided_as_meant
    assert [one.kind for one in experiment_conditions(found)] == [KINDS[0]]


def test_two_on_one_surface_do_not_run_at_once(shop_with_orders: Shop) -> None:
    shop = shop_with_orders
    with pytest.raises(NotFoundError):
        start(shop, "a-test", "ann")
    declare(shop, make_declaration(variants()), "ann")
    with pytest.raises(ConflictError):
        declare(shop, make_declaration(variants()), "ann")
    for name, surfaces in (("same", ["customer"]), ("elsewhere", ["session"])):
        declare(shop, make_declaration(variants(name=name, surfaces=surfaces)), "ann")
    start(shop, "a-test", "ann")
    with pytest.raises(ConflictError):
        start(shop, "same", "ann")
    start(shop, "elsewhere", "ann")
    stop(shop, "a-test", "ann")
    start(shop, "same", "ann")
    with pytest.raises(ConflictError):
        start(shop, "a-test", "ann")
    assert {one.name for one in experiments(shop, "running")} == {"same", "elsewhere"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric": "profit"},
        {"surfaces": ["nowhere"]},
        {"variants": [{"name": "one", "share": 1.0}]},
        {"variants": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.4}]},
        {"variants": [{"name": "a", "share": 0.5}, {"name": "a", "share": 0.5}]},
        {"guardrails": ["revenue"]},
        {"trafic": 0.5},
    ],
)
def test_a_declaration_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        make_declaration(variants(**wrong))


def test_a_model_that_is_none_is_refused(shop: Shop) -> None:
    both = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "model": "0007"}]
    with pytest.raises(NotFoundError):
        declare(shop, make_declaration(variants(variants=both)), "ann")


def test_nothing_to_plan_by_is_said(shop: Shop) -> None:
    declare(shop, make_declaration(variants()), "ann")
    with pytest.raises(InputError, match="plan"):
        start(shop, "a-test", "ann")
