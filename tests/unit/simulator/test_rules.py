"""Policies do what they say, see only the shop, and are chosen by name."""

import numpy as np
import pytest

from foresell.contracts.errors import InputError
from foresell.simulator.draws import Draws
from foresell.simulator.policies import HISTORY_DAYS, CostPlus, ShopView, Visitors
from foresell.simulator.rules import POLICIES
from foresell.simulator.rules.choosing import DEFAULTS, make_policies
from foresell.simulator.rules.pricing import Clearance, ListPrice, ScaledPromotions
from foresell.simulator.rules.replenishing import SafetyStock

NUMBER, K = 30, 10


def view(*, day: int = 60, on_hand: int = 5, is_listed: np.ndarray | None = None) -> ShopView:
    units = Draws(3).below(6, "units", np.arange(HISTORY_DAYS)[:, None], np.arange(NUMBER))
    return ShopView(
        day=day,
        category=np.arange(NUMBER) % 3,
        list_price=np.full(NUMBER, 10.0) + np.arange(NUMBER),
        cost=np.full(NUMBER, 6.0),
        price=np.full(NUMBER, 10.0) + np.arange(NUMBER),
        is_listed=np.ones(NUMBER, dtype=bool) if is_listed is None else is_listed,
        on_hand=np.full(NUMBER, on_hand),
        on_order=np.zeros(NUMBER, dtype=np.int64),
        sold=units,
        in_stock=np.ones((HISTORY_DAYS, NUMBER), dtype=bool),
        lead_time_days=7.0,
    )


def visitors(*looked_at: list[int]) -> Visitors:
    last = np.full((len(looked_at), 5), -1)
    for row, products in enumerate(looked_at):
        last[row, : len(products)] = products
    return Visitors(np.arange(len(looked_at)) + 100, last)


@pytest.mark.parametrize("name", POLICIES["recommend"])
def test_a_recommendation_fills_the_page_with_different_products_of_the_catalog(name: str) -> None:
    policy = make_policies({"recommend": name}, where="here").recommend
    is_listed = np.arange(NUMBER) < 12
    shown = policy.recommend(view(is_listed=is_listed), visitors([1, 2], [], [29]), K)
    assert shown.shape == (3, K)
    assert all(len(set(row)) == K and set(row) <= set(range(12)) for row in shown.tolist())


@pytest.mark.parametrize("name", POLICIES["recommend"])
def test_a_catalog_smaller_than_the_page_leaves_places_empty(name: str) -> None:
    policy = make_policies({"recommend": name}, where="here").recommend
    shown = policy.recommend(view(is_listed=np.arange(NUMBER) < 4), visitors([1], []), K)
    assert all(sorted(row) == [-1] * (K - 4) + [0, 1, 2, 3] for row in shown.tolist())


def test_more_like_viewed_puts_first_what_was_looked_at_and_what_goes_with_it() -> None:
    policy = make_policies({"recommend": "more_like_viewed"}, where="here").recommend
    crowd = visitors(*[[4, 17]] * 50, [4], [])
    shown = policy.recommend(view(), crowd, K)
    assert set(shown[50, :2]) == {4, 17}
    assert shown[51].tolist() != shown[50].tolist()


def test_at_random_differs_by_visitor_and_day_and_is_the_same_when_asked_again() -> None:
    policy = make_policies({"recommend": "at_random"}, where="here").recommend
    crowd = visitors(*[[]] * 20)
    shown = policy.recommend(view(), crowd, K)
    assert np.array_equal(shown, policy.recommend(view(), crowd, K))
    assert len({tuple(row) for row in shown.tolist()}) > 10
    assert not np.array_equal(shown, policy.recommend(view(day=61), crowd, K))


def test_prices() -> None:
    seen = view(on_hand=10**6)
    assert CostPlus(0.5).price(seen) == pytest.approx(np.full(NUMBER, 9.0))
    assert ListPrice(1.25).price(seen) == pytest.approx(seen.list_price * 1.25, abs=0.005)
    assert Clearance(8, 0.5).price(seen) == pytest.approx(seen.list_price / 2)
    assert Clearance(8, 0.5).price(view(on_hand=0)) == pytest.approx(seen.list_price)
    assert not ScaledPromotions(0.0).promote(seen, np.full(NUMBER, 0.2)).any()


def test_what_costs_nothing_keeps_its_list_price() -> None:
    seen = view()
    seen.cost[:5] = 0.0
    assert CostPlus(0.5).price(seen)[:5] == pytest.approx(seen.list_price[:5])


def test_safety_stock_grows_with_the_service_and_not_with_days_without_stock() -> None:
    seen = view(on_hand=0)
    little, much = SafetyStock(0.6).order(seen), SafetyStock(0.99).order(seen)
    assert (much > little).all()
    seen.in_stock[: HISTORY_DAYS // 2] = False
    seen.sold[: HISTORY_DAYS // 2] = 0
    assert SafetyStock(0.6).order(seen).sum() == pytest.approx(little.sum(), rel=0.15)


def test_every_policy_is_made_by_its_name_and_the_default_is_the_rule_of_thumb() -> None:
    for kind, known in POLICIES.items():
        assert DEFAULTS[kind] in known
        for name in known:
            assert getattr(make_policies({kind: name}, where="here"), kind) is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"recomend": "best_sellers"}, "Did you mean 'recommend'"),
        ({"price": "cost_pluss"}, "Did you mean 'cost_plus'"),
        ({"price": "cost_plus", "price_mark_up": 0.5}, "Did you mean 'price_markup'"),
        ({"replenish_weeks": "two"}, "must be a number"),
        ({"replenish_weeks": -1}, "must be a number"),
    ],
)
def test_a_wrong_key_name_or_value_is_explained(given: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_policies(given, where="a.toml")
