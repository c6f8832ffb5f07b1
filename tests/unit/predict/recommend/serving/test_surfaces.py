"""What each surface answers, also where little or nothing is known."""

from datetime import timedelta

import polars as pl
import pytest
from shop import NOW, knowledge, recommender, taken

from foresell.contracts.errors import InputError, NotFoundError
from foresell.predict.recommend.rules.reading import rule_from_record
from foresell.predict.recommend.serving.counts import Trends
from foresell.predict.recommend.serving.recommender import Recommender
from foresell.predict.recommend.serving.request import Action, Answer, Item, Request

PRODUCTS = pl.DataFrame(
    {
        "product_id": ["bread", "butter", "jam", "soap", "towel", "novel", "novelty"],
        "name": ["Rye bread", "Butter", "Plum jam", "Soap", "Bath towel", "A novel", "A second novel"],
        "category": ["food", "food", "food", "bath", "bath", "books", "books"],
        "is_on_offer": [False, True, False, False, True, False, False],
        "first_seen_at": [NOW - timedelta(days=300)] * 6 + [NOW - timedelta(days=3)],
    },
    schema_overrides={"first_seen_at": pl.Datetime("us", "UTC")},
)
BREAKFAST = [(f"c{n}", one, 10.0 + n) for n in range(8) for one in ("bread", "butter")]
BATH = [(f"d{n}", one, 10.0 + n) for n in range(8) for one in ("soap", "towel")]
# Ann buys bread every 10 days, and soap every 100.
ANN = [("ann", "bread", days) for days in (40.0, 30.0, 20.0, 10.0)] + [
    ("ann", "soap", 110.0),
    ("ann", "soap", 10.0),
]
PAST = taken(*BREAKFAST, *BATH, *ANN, ("zoe", "novel", 5.0), ("yan", "novel", 6.0), ("xin", "jam", 7.0))


def shop(*rules: dict[str, object], **more: object) -> Recommender:
    made = tuple(rule_from_record(rule, "test") for rule in rules)
    return recommender(PAST, knowledge(PAST, PRODUCTS, rules=made, **more))


def ask(one: Recommender, *args: object, **kwargs: object) -> Answer:
    return one.answer([Request(*args, **kwargs)], NOW)[0]  # type: ignore[arg-type]


def ids(answer: Answer) -> list[str]:
    return [item.product_id for item in answer.items]


def first(answer: Answer) -> Item:
    return answer.items[0]


def test_a_basket_is_completed_by_what_goes_into_one_basket_with_it() -> None:
    found = ask(shop(), "basket", 3, basket=("bread",))
    assert first(found).product_id == "butter"
    assert (first(found).reason_code, first(found).because_product_id) == ("goes_with_basket", "bread")
    assert "bread" not in ids(found)


def test_together_shows_nothing_that_is_not_bought_together() -> None:
    found = ask(shop(), "together", 5, product_id="soap")
    assert ids(found) == ["towel"]
    assert found.notes == ("fewer_eligible",)
    assert ask(shop(), "together", 5, product_id="novel").notes == ("nothing_eligible",)


def test_similar_is_of_the_same_content_first() -> None:
    found = ask(shop(), "similar", 2, product_id="novel")
    assert first(found).product_id == "novelty"
    assert (first(found).reason_code, first(found).because_product_id) == ("similar_to", "novel")


def test_a_product_that_the_model_never_saw_is_shown_to_who_likes_its_kind() -> None:
    found = ask(shop(), "customer", 7, customer_id="zoe", exclude=("novel",))
    assert ids(found)[0] == "novelty"
    assert first(found).because_product_id == "novel"


def test_buying_again_comes_with_its_day() -> None:
    found = ask(shop(), "buy_again", 5, customer_id="ann")
    assert ids(found) == ["bread", "soap"]
    bread, soap = found.items
    assert bread.due_at is not None
    assert soap.due_at is not None
    assert abs(bread.due_at - NOW) < timedelta(days=4)
    assert soap.due_at - NOW > timedelta(days=20)


def test_trends_are_of_a_category_and_a_place() -> None:
    rows = {"product_id": ["jam", "soap", "soap"], "location_id": ["a", "a", "b"], "recent": [9, 5, 40]}
    growing = Trends(pl.DataFrame(rows).with_columns(before=pl.lit(4)))
    one = shop(read_trends=lambda: growing)
    assert ids(ask(one, "trending", 1)) == ["soap"]
    assert ids(ask(one, "trending", 1, location_id="a")) == ["jam"]
    food = ask(one, "trending", 5, category="Food")
    assert set(ids(food)) == {"bread", "butter", "jam"}
    assert [item.reason_code for item in food.items] == ["trending", "popular", "popular"]


def test_new_and_offered_products_only() -> None:
    assert ids(ask(shop(), "new_arrivals", 5, customer_id="zoe")) == ["novelty"]
    assert ids(ask(shop(), "on_offer", 5, customer_id="c1")) == ["butter", "towel"]


def test_a_list_is_put_in_the_customers_order() -> None:
    one = shop()
    found = ask(one, "rerank", 5, customer_id="d1", product_ids=("jam", "nowhere", "soap"))
    assert ids(found) == ["soap", "jam"]
    assert "unknown_products_left_out" in found.notes


def test_a_segment_is_spoken_for_by_its_members() -> None:
    members = tuple(f"d{n}" for n in range(8))
    assert set(ids(ask(shop(), "segment", 2, customer_ids=members))) == {"soap", "towel"}


def test_what_was_done_just_now_is_known_to_the_next_answer() -> None:
    one = shop()
    before = ask(one, "customer", 2, customer_id="new")
    assert before.notes == ("unknown_customer",)
    for product in ("soap", "soap"):
        one.observe("new", Action(product, NOW, "purchase"))
    after = ask(one, "customer", 2, customer_id="new")
    assert set(ids(after)) == {"soap", "towel"}
    assert not after.notes


@pytest.mark.parametrize("surface", ["customer", "session", "new_arrivals"])
def test_a_stranger_gets_what_is_popular_and_is_told_so(surface: str) -> None:
    found = ask(shop(), surface, 1, session=(Action("nowhere", NOW),))
    assert "unknown_customer" in found.notes
    assert first(found).reason_code in ("popular", "new")


def test_a_basket_of_unknown_products_is_told_so() -> None:
    found = ask(shop(), "basket", 3, basket=("nowhere", "elsewhere"))
    assert "nothing_known_of_basket" in found.notes
    assert len(found.items) == 3


def test_everything_forbidden_is_an_empty_answer_that_says_why() -> None:
    found = ask(
        shop({"name": "closed", "kind": "exclude", "category": ["food", "bath", "books"]}), "customer", 3
    )
    assert (found.items, found.notes) == ((), ("unknown_customer", "nothing_eligible"))


def test_a_catalog_of_one_and_of_none() -> None:
    one = recommender(PAST, knowledge(PAST, PRODUCTS.head(1)))
    assert ids(ask(one, "customer", 3, customer_id="ann")) == ["bread"]
    assert ask(one, "customer", 3, customer_id="ann").notes == ("fewer_eligible",)
    none = recommender(PAST, knowledge(PAST, PRODUCTS.head(0)))
    assert ask(none, "customer", 3, customer_id="ann").notes == ("empty_catalog",)


def test_a_missing_price_is_no_price_of_the_range() -> None:
    priced = PRODUCTS.with_columns(price=pl.Series([2.0, None, 3.0, 1.0, 9.0, 9.0, None]))
    rule = rule_from_record({"name": "cheap", "kind": "price_range", "most": 5.0}, "test")
    one = recommender(PAST, knowledge(PAST, priced, rules=(rule,)))
    assert set(ids(ask(one, "customer", 7, customer_id="ann"))) == {"bread", "jam", "soap"}


def test_why_not_says_what_kept_a_product_out() -> None:
    one = shop({"name": "no soap", "kind": "exclude", "product_ids": ["soap"]})
    asked = Request("customer", 2, customer_id="ann")
    by_rule = one.why_not(asked, "soap", NOW)
    assert (by_rule.codes, by_rule.rules) == (("forbidden",), ("no soap",))
    assert one.why_not(asked, "nowhere", NOW).codes == ("not_sold",)
    assert one.why_not(asked, "bread", NOW).rank == 1
    lower = one.why_not(asked, "novelty", NOW)
    assert lower.codes == ("lower_score",)
    assert lower.place is not None
    assert lower.place > 2
    assert one.why_not(Request("on_offer", 2, customer_id="ann"), "bread", NOW).codes == ("not_asked_for",)


def test_requests_that_cannot_be_asked_say_what_is_missing() -> None:
    with pytest.raises(NotFoundError, match="surface"):
        Request("costumer")
    with pytest.raises(InputError, match="basket"):
        Request("basket")
    with pytest.raises(InputError, match="k is out of range"):
        Request("customer", 0)
