"""A running experiment decides which recommender answers, and the served log says which."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from foresell.predict.recommend.serving.request import Request
from foresell.services.experiments.declaration import make_declaration
from foresell.services.experiments.exposing import move_exposures
from foresell.services.experiments.running import declare, start, stop, variant_of
from foresell.services.live.keeper import Keeper
from foresell.services.live.limits import Limits
from foresell.services.live.live_shop import LiveShop
from foresell.services.shop import Shop

from ..conftest import ImportRows

CUSTOMERS = [f"c{n}" for n in range(12)]
HEADER = "event_id,event_name,occurred_at,customer_id,product_id"


@pytest.fixture
def live(shop: Shop, import_rows: ImportRows) -> Iterator[LiveShop]:
    """Two versions of the simplest recommender: 0001 learned that p1 sells best, 0002 (in production) p2."""
    import_rows(*(f"p{n},P{n}" for n in range(3)), header="product_id,title", preset="products")
    at = datetime.now(UTC) - timedelta(days=2)
    for version, best in enumerate(("p1", "p2")):
        rows = [
            f"{version}-{customer}-{n},purchase,{at.isoformat()},{customer},{best}"
            for customer in CUSTOMERS
            for n in range(1 + 3 * version)
        ]
        orders = [
            f"o{version}-{one},{one},{(at + timedelta(days=version, minutes=n)).isoformat()},{n + 5}"
            for n, one in enumerate(CUSTOMERS)
        ]
        import_rows(*rows, header=HEADER, preset="events")
        import_rows(*orders, header="order_id,customer_id,created_at,total_amount", preset="orders")
        fit_popularity(shop)
    served = LiveShop(shop, Limits(move_seconds=3_600))
    served.start()
    yield served
    served.stop()


def fit_popularity(shop: Shop) -> None:
    from dataclasses import asdict

    from foresell.predict.recommend import load_model
    from foresell.predict.recommend.backtest import config_of
    from foresell.predict.recommend.interactions import described_products, interactions
    from foresell.services.production import put_to_work
    from foresell.store.models import Origin

    with shop.reading_matched() as tables:
        config = config_of("popularity", shop.settings)
        fitted = load_model("popularity").fit(interactions(tables), config, described_products(tables))
    put_to_work(shop, "recommend", "popularity", asdict(config), fitted.to_tables(), origin=Origin())


def declared(**changes: object) -> dict[str, object]:
    older = {"name": "older", "share": 0.5, "model": "0001", **changes}
    return {"name": "a-test", "window_days": 0.5, "variants": [{"name": "control", "share": 0.5}, older]}


def test_the_variant_decides_who_answers_and_the_log_says_which(live: LiveShop) -> None:
    shop = live.shop
    declare(shop, make_declaration(declared()), "ann")
    keeper = Keeper(live)
    plain = live.recommend([Request("customer", 2, "c1")], is_served=True)
    assert "variant" not in plain[0]
    start(shop, "a-test", "ann")
    keeper.look()
    told = live.recommend([Request("customer", 2, one) for one in CUSTOMERS], is_served=True)
    live.recommend([Request("customer", 2, one) for one in CUSTOMERS], is_served=True)
    assert {one["variant"] for one in told} == {"control", "older"}
    for one in told:
        assert one["variant"] == variant_of(shop, "a-test", str(one["customer_id"]))
        assert one["model"] == {"control": "recommend/0002", "older": "recommend/0001"}[str(one["variant"])]
    # Nobody known, and another surface: as in production.
    for other in (Request("customer", 2), Request("trending", 2, "c1")):
        [answer] = live.recommend([other], is_served=True)
        assert "variant" not in answer
    move_exposures(shop)
    with shop.reading() as tables:
        shown = tables.current("exposures").to_polars()
        served = tables.current("served").to_polars()
    assert sorted(shown["customer_id"]) == sorted(CUSTOMERS)
    assert dict(zip(shown["customer_id"], shown["variant"], strict=True)) == {
        str(one["customer_id"]): one["variant"] for one in told
    }
    marked = served.filter(served["experiment_id"] == "a-test").select("variant", "model").unique()
    assert set(marked.iter_rows()) == {("control", "recommend/0002"), ("older", "recommend/0001")}
    stop(shop, "a-test", "ann")
    keeper.look()
    [after] = live.recommend([Request("customer", 2, "c1")], is_served=True)
    assert "variant" not in after


def test_only_what_was_shown_is_an_exposure_and_nobody_sees_what_cannot_answer(live: LiveShop) -> None:
    shop = live.shop
    declare(shop, make_declaration(declared()), "ann")
    start(shop, "a-test", "ann")
    live.refresh()
    answers = live.recommend([Request("customer", 2, one) for one in ("c1", "c2")], is_served=False)
    assert move_exposures(shop) == []
    live.report_shown(str(answers[0]["request_id"]))
    [run] = move_exposures(shop)
    assert run.counts.rows_accepted == 1
    (shop.folder.models / "recommend" / "0001" / "manifest.json").write_text("{}")
    live.refresh()
    assert list(live.variants.problems) == ["a-test"]
    [answer] = live.recommend([Request("customer", 2, "c1")], is_served=True)
    assert "variant" not in answer
    assert answer["model"] == "recommend/0002"
