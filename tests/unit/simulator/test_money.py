"""The ledger adds up, and money answers prices and stock as economics says it must."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.simulator import world as worlds
from foresell.simulator.ledger import MONEY_LINES, Ledger
from foresell.simulator.policies import CostPlus, Policies, WeeksOfCover
from foresell.simulator.rules.pricing import ListPrice
from foresell.simulator.settings import WorldSettings
from foresell.simulator.world import World

amounts = st.floats(-1e6, 1e6)
ledgers = st.builds(Ledger, **{field.name: amounts for field in fields(Ledger)})
# Nothing but the price decides: no stock, no habits, no promotions, no coupons, nobody leaves.
PLAIN = {
    "shop": {"customers": 500, "days": 12},
    "catalog": {"products": 150, "launch_rate": 0, "margin_spread": 0, "price_spread": 0},
    "people": {
        "visits_per_month": 20,
        "habit_rate": 0,
        "elasticity_spread": 0,
        "churn_per_month": 0,
        "marketing_rate": 0,
    },
    "journeys": {
        "bounce_rate": 0,
        "cart_rate": 0.3,
        "checkout_rate": 0.8,
        "complement_rate": 0,
        "free_shipping_from": 0,
    },
    "demand": {"promotion_rate": 0, "return_rate": 0},
    "costs": {"parcel_cost": 0, "payment_fee_rate": 0},
    "stock": {"is_limited": False},
}


def live(tree: dict[str, dict[str, object]], policies: Policies, seed: int = 3) -> Ledger:
    world = World(WorldSettings.model_validate(tree), seed)
    total = Ledger()
    for _ in range(world.settings.shop.days):
        total += world.step(policies).ledger
    return total


def plain(**sections: dict[str, object]) -> dict[str, dict[str, object]]:
    return {name: {**values, **sections.get(name, {})} for name, values in PLAIN.items()}


@given(ledgers)
def test_profit_is_what_its_lines_say(ledger: Ledger) -> None:
    record = ledger.as_record()
    assert set(record) >= set(MONEY_LINES)
    margin = ledger.gross_sales - ledger.discount - ledger.cost_of_goods
    costs = ledger.payment_fees + ledger.holding_cost + ledger.refunds
    assert ledger.gross_margin == pytest.approx(margin)
    assert ledger.profit == pytest.approx(margin + ledger.shipping_margin - costs, abs=1e-6)
    # What was lost is told, and costs nothing that was not earned.
    assert replace(ledger, lost_margin=0.0).profit == ledger.profit


@given(st.lists(ledgers, max_size=5))
def test_days_add_up_line_by_line(days: list[Ledger]) -> None:
    total = sum(days, start=Ledger())
    for name in MONEY_LINES:
        assert getattr(total, name) == pytest.approx(sum(getattr(day, name) for day in days), abs=1e-6)


def test_the_money_of_a_day_is_the_sum_over_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = plain(stock={"is_limited": True}, shop={"days": 6}, costs={"payment_fee_rate": 0.02})
    whole = live(tree, Policies())
    monkeypatch.setattr(worlds, "PEOPLE_PER_SHARD", 90)
    cut = live(tree, Policies())
    assert whole.num_orders > 0
    for field in fields(Ledger):
        assert getattr(cut, field.name) == pytest.approx(getattr(whole, field.name)), field.name


@pytest.mark.parametrize("elasticity", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_revenue_moves_with_the_price_as_the_elasticity_says(elasticity: float, factor: float) -> None:
    """Revenue at f times the list price is f to the power of 1 − elasticity: lower prices bring in more
    where the elasticity is above 1, and less where it is below."""
    tree = plain(people={"price_elasticity": elasticity}, shop={"customers": 1500})
    before, after = (live(tree, Policies(price=ListPrice(f))) for f in (1.0, factor))
    assert after.gross_sales / before.gross_sales == pytest.approx(factor ** (1 - elasticity), rel=0.06)


def test_the_best_markup_is_the_one_of_the_elasticity() -> None:
    """Cost times e / (e − 1), the monopolist's price (Lerner, 1934); half and twice the markup earn less."""
    elasticity = 2.5
    best = 1 / (elasticity - 1)
    tree = plain(people={"price_elasticity": elasticity}, catalog={"margin_rate": 0.4})
    low, middle, high = (
        live(tree, Policies(price=CostPlus(markup))).profit for markup in (best / 2, best, best * 2)
    )
    # In theory 0.84 and 0.88 of the best.
    assert low < middle * 0.93
    assert high < middle * 0.96


def test_less_cover_holds_less_and_loses_more() -> None:
    tree = plain(
        stock={"is_limited": True, "first_cover_days": 5, "lead_time_days": 4, "holding_rate": 0.5},
        shop={"customers": 200, "days": 40},
        catalog={"products": 60},
    )
    little, some, much = (live(tree, Policies(replenish=WeeksOfCover(weeks))) for weeks in (0.0, 2.0, 6.0))
    assert little.holding_cost < some.holding_cost < much.holding_cost
    assert little.lost_margin > some.lost_margin > much.lost_margin
    assert little.gross_margin < much.gross_margin


def test_where_stock_has_no_end_nothing_is_lost_or_held() -> None:
    ledger = live(plain(shop={"days": 5}), Policies())
    assert (ledger.holding_cost, ledger.lost_margin) == (0.0, 0.0)
