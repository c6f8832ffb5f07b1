"""From a shop's records to an answer: rules in force, settings, words, the log of what was served."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.predict.recommend.serving.request import Request
from foresell.services.predict import fit
from foresell.services.recommend import make_requests, recommend, why_not
from foresell.services.results import read_results
from foresell.services.rules import load_rules
from foresell.services.shop import Shop, open_shop

ORDERS = "order_id,customer_id,created_at,total_amount,currency"
PRODUCTS = "product_id,title,category,brand"
BREAKFAST, BATH = ("bread", "butter"), ("soap", "towel")
Told = dict[str, Any]


@pytest.fixture
def selling(shop: Shop, import_rows: Callable[..., Any]) -> Shop:
    """Four customers with breakfast, the first of them twice, two with bath; too short a history to judge
    models."""
    import_rows(
        *(f"{one},The {one},food,acme" for one in BREAKFAST),
        *(f"{one},The {one},bath,bolt" for one in BATH),
        "novel,A novel,books,bolt",
        header=PRODUCTS,
        preset="products",
    )
    import_rows(
        *(f"o{n},c{n},2024-01-0{n},10,USD" for n in range(1, 7)),
        "o7,c1,2024-01-07,10,USD",
        header=ORDERS,
        preset="orders",
    )
    import_rows(
        *(f"l{n}-{one},o{n},{one},1,5" for n in range(1, 7) for one in (BREAKFAST if n < 5 else BATH)),
        "l7,o7,bread,1,5",
    )
    return shop


def ask(shop: Shop, *args: Any, **kwargs: Any) -> Told:
    [answer] = recommend(shop, [Request(*args, **kwargs)])
    return answer


def ids(answer: Told) -> list[str]:
    return [item["product_id"] for item in answer["items"]]


def rules(shop: Shop, tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    load_rules(shop, path, "Ann")


def test_a_rule_holds_from_when_it_is_loaded_on(selling: Shop, tmp_path: Path) -> None:
    before = ask(selling, "customer", 5, "c1")
    assert before["rules_version"] == 0
    assert set(ids(before)) == {*BREAKFAST, *BATH, "novel"}
    rules(selling, tmp_path, '[[rules]]\nname = "no bath"\nkind = "exclude"\ncategory = "bath"\n')
    after = ask(selling, "customer", 5, "c1")
    assert set(ids(after)) == {*BREAKFAST, "novel"}
    assert after["rules_version"] == 1
    assert any("Fewer products" in note for note in after["notes"])
    told = why_not(selling, Request("customer", 5, "c1"), "soap")
    assert told["rules"] == ["no bath"]
    assert "no bath" in str(told["reason"])


def test_what_is_written_for_everybody_keeps_the_rules(selling: Shop, tmp_path: Path) -> None:
    rules(selling, tmp_path, '[[rules]]\nname = "no bread"\nkind = "exclude"\nproduct_ids = ["bread"]\n')
    fit(selling, "recommend")
    rows = read_results(selling, "recommendations")
    assert set(rows["customer_id"]) == {f"c{n}" for n in range(1, 7)}
    assert not rows.filter(pl.col("product_id") == "bread").height
    assert rows["reason"].null_count() == 0


def test_repeats_are_left_out_where_the_settings_say_so(selling: Shop) -> None:
    settings = selling.folder.root / "foresell.toml"
    text = settings.read_text(encoding="utf-8").replace('repeats = "include"', 'repeats = "exclude"')
    settings.write_text(text, encoding="utf-8")
    shop = open_shop(selling.folder.root)
    assert set(ids(ask(shop, "customer", 5, "c1"))) == {*BATH, "novel"}
    assert "bread" in ids(ask(shop, "buy_again", 5, "c1"))
    assert "repeats" in str(why_not(shop, Request("customer", 5, "c1"), "bread")["reason"])


def test_what_is_served_is_logged_and_what_is_looked_at_is_not(selling: Shop) -> None:
    ask(selling, "customer", 2, "c1")
    assert read_results(selling, "served").is_empty()
    [answer] = recommend(selling, [Request("basket", 2, basket=("bread",))], is_served=True)
    rows = read_results(selling, "served").sort("rank")
    assert rows["product_id"].to_list() == ids(answer)
    assert rows["surface"].to_list() == ["basket"] * 2
    assert rows["propensity"].to_list() == [1.0, 1.0]


def test_an_unknown_customer_is_an_error_and_a_visitor_is_not(selling: Shop) -> None:
    with pytest.raises(NotFoundError, match="No customer 'nobody'"):
        ask(selling, "customer", 2, "nobody")
    assert len(ids(ask(selling, "trending", 2))) == 2


def test_a_surface_is_told_from_what_is_given(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("c1\n\nc2\nc1\n", encoding="utf-8")
    nothing: Told = {"customer_id": None, "product_ids": [], "viewed": [], "customers": None}
    rest: Told = {"k": 3, "category": None, "location_id": None, "exclude": [], "seed": 4}

    def surfaces(**given: Any) -> list[tuple[str, str | None, int]]:
        made = make_requests(None, **{**nothing, **rest, **given})
        return [(one.surface, one.customer_id, one.seed) for one in made]

    assert surfaces() == [("trending", None, 4)]
    assert surfaces(customer_id="c1") == [("customer", "c1", 4)]
    assert surfaces(product_ids=["p"], customer_id="c1") == [("basket", "c1", 4)]
    assert surfaces(viewed=["p"]) == [("session", None, 4)]
    assert surfaces(customers=path) == [("email", "c1", 4), ("email", "c2", 5)]
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match="holds no id"):
        surfaces(customers=path)
