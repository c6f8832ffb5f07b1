"""What holds on every surface, whatever is sold, asked, forbidden and known."""

import threading
from datetime import timedelta

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop import NOW, knowledge, recommender, taken

from foresell.predict.recommend.rules.compiling import compile_rules
from foresell.predict.recommend.rules.constraints import Constraints, CustomerFacts
from foresell.predict.recommend.rules.reading import rule_from_record
from foresell.predict.recommend.rules.rule import Rule
from foresell.predict.recommend.serving.knowledge import Exploring, Knowledge
from foresell.predict.recommend.serving.request import Action, Answer, Request
from foresell.predict.recommend.serving.rerank import Reranking
from foresell.predict.recommend.serving.surfaces import SURFACES

IDS = [f"p{number}" for number in range(12)]
CUSTOMERS = ["ann", "bob", "cem", "dee"]


@st.composite
def catalogs(draw: st.DrawFn) -> pl.DataFrame:
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=len(IDS)))
    row = st.tuples(
        st.sampled_from(["red", "blue", None]),
        st.sampled_from(["acme", "bolt", None]),
        st.sampled_from([None, "A", "B"]),
        st.sampled_from([1.0, 5.0, None]),
        st.sampled_from([None, "active", "hidden"]),
        st.sampled_from([None, 0.0, 3.0]),
        st.sampled_from([None, 16, 18]),
        st.booleans(),
        st.sampled_from([None, NOW - timedelta(days=2), NOW - timedelta(days=200)]),
    )
    names = ("category", "brand", "parent_product_id", "price", "status", "on_hand", "min_age")
    schema = {
        "product_id": pl.String,
        "category": pl.String,
        "brand": pl.String,
        "parent_product_id": pl.String,
    }
    schema |= {"price": pl.Float64, "status": pl.String, "on_hand": pl.Float64, "min_age": pl.Int64}
    schema |= {"is_on_offer": pl.Boolean, "first_seen_at": pl.Datetime("us", "UTC")}
    rows = [(one, *draw(row)) for one in ids]
    return pl.DataFrame(
        rows,
        schema=["product_id", *names, "is_on_offer", "first_seen_at"],
        orient="row",
        schema_overrides=schema,
    )


RULES = tuple(
    rule_from_record(record, "test")
    for record in (
        {"name": "no red", "kind": "exclude", "category": "red"},
        {"name": "only acme", "kind": "only", "brand": "acme"},
        {"name": "stock", "kind": "in_stock", "least": 1.0},
        {"name": "age", "kind": "min_age"},
        {"name": "bought", "kind": "already_bought"},
        {"name": "two a brand", "kind": "cap", "by": "brand", "most": 2},
        {"name": "one of a kind", "kind": "collapse_variants"},
        {"name": "push p3", "kind": "boost", "factor": 5.0, "product_ids": ["p3"]},
        {"name": "pin p1", "kind": "pin", "product_id": "p1", "place": 2},
    )
)
histories = st.lists(
    st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(IDS), st.sampled_from([0.5, 3.0, 20.0])),
    min_size=1,
    max_size=25,
)
products = st.lists(st.sampled_from([*IDS, "nowhere"]), min_size=1, max_size=5).map(tuple)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    return Request(
        surface=draw(st.sampled_from(list(SURFACES))),
        k=draw(st.integers(1, 8)),
        customer_id=draw(st.sampled_from([*CUSTOMERS, "stranger"])),
        session=tuple(Action(one, NOW) for one in draw(products)),
        basket=draw(products),
        product_id=draw(st.sampled_from([*IDS, "nowhere"])),
        product_ids=draw(products),
        customer_ids=tuple(CUSTOMERS[:3]),
        category=draw(st.sampled_from([None, "red"])),
        exclude=draw(products) if draw(st.booleans()) else (),
        seed=draw(st.integers(0, 3)),
    )


rule_sets = st.lists(st.sampled_from(RULES), unique_by=lambda rule: rule.name, max_size=5).map(tuple)
orders = st.sampled_from([Reranking(), Reranking(diversity=0.5, novelty=0.2, calibration=0.3)])
chances = st.sampled_from([Exploring(), Exploring("epsilon", 0.5), Exploring("thompson")])


def constraints(
    known: Knowledge, rules: tuple[Rule, ...], past: pl.DataFrame, request: Request
) -> Constraints:
    """Compiled apart from the path under test."""
    own = past.filter(pl.col("customer_id") == request.customer_id)["product_id"]
    bought = known.assortment.position_of(own)
    return compile_rules(rules, known.assortment, request.surface, NOW).for_customer(
        CustomerFacts(request.customer_id, None, bought, {})
    )


def asked_for(known: Knowledge, request: Request) -> np.ndarray | None:
    """(P,) the candidates of a surface, by its definition; None: left to the surface."""
    products = known.assortment.products
    ids = products["product_id"]
    found = pl.Series(np.ones(len(ids), dtype=np.bool_))
    match request.surface:
        case "basket":
            found = ~ids.is_in(request.basket)
        case "similar":
            found = ids != request.product_id
        case "rerank":
            found = ids.is_in(request.product_ids)
        case "on_offer":
            found = products["is_on_offer"]
        case "new_arrivals":
            found = (products["first_seen_at"] > NOW - timedelta(days=30)).fill_null(value=False)
        case "trending":
            found = (products["category"] == "red").fill_null(value=False) if request.category else found
        case "together" | "buy_again":
            return None
    return found.to_numpy() & ~ids.is_in(request.exclude).to_numpy()


def nothing_can_be_added(answer: Answer, known: Knowledge, rules: Constraints) -> bool:
    candidates = asked_for(known, answer.request)
    if candidates is None or len(answer.items) == answer.request.k:
        return True
    shown = known.assortment.position_of([item.product_id for item in answer.items])
    left = candidates & rules.allowed_P
    left[shown] = False
    for cap in rules.caps:
        number = 1 + int(cap.group_P.max(initial=0))
        counts = np.bincount(cap.group_P[shown][cap.group_P[shown] >= 0], minlength=number)
        left &= (cap.group_P < 0) | (counts[np.maximum(cap.group_P, 0)] < cap.most)
    return not left.any()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(catalogs(), histories, rule_sets, st.lists(requests(), min_size=1, max_size=4), orders, chances)
def test_every_surface_keeps_the_rules(
    products: pl.DataFrame,
    past: list[tuple[str, str, float]],
    rules: tuple[Rule, ...],
    asked: list[Request],
    reranking: Reranking,
    exploring: Exploring,
) -> None:
    rows = taken(*past)
    more = {"rules": rules, "reranking": reranking, "exploring": exploring}
    known = knowledge(rows, products, **more)
    one = recommender(rows, known)
    answers = one.answer(asked, NOW)
    assert answers == recommender(rows, knowledge(rows, products, **more)).answer(asked, NOW)
    for request, answer in zip(asked, answers, strict=True):
        assert answer.request is request
        ids = [item.product_id for item in answer.items]
        positions = known.assortment.position_of(ids)
        of_rules = constraints(known, rules, rows, request)
        assert len(set(ids)) == len(ids) <= request.k
        assert (positions >= 0).all()
        assert not set(ids) & set(request.exclude)
        assert not of_rules.forbidden_P[positions].any()
        for cap in of_rules.caps:
            groups = cap.group_P[positions]
            assert np.bincount(groups[groups >= 0], minlength=1).max() <= cap.most
        assert [item.rank for item in answer.items] == list(range(1, len(ids) + 1))
        assert all(0 < item.propensity <= 1 for item in answer.items)
        assert nothing_can_be_added(answer, known, of_rules)
        assert bool(answer.notes) or len(ids) == request.k


def test_an_answer_is_made_from_one_catalog_while_catalogs_change() -> None:
    rows = taken(*((who, one, 3.0) for who in CUSTOMERS for one in IDS))
    halves = [
        knowledge(rows, pl.DataFrame({"product_id": part}), model=name)
        for part, name in ((IDS[:6], "item_knn"), (IDS[6:], "popularity"))
    ]
    sold = [set(half.assortment.product_ids) for half in halves]
    both = recommender(rows, halves[0])
    is_done = threading.Event()

    def change() -> None:
        while not is_done.is_set():
            for half in halves:
                both.swap(half)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        for number in range(200):
            asked = [Request(surface, 6, customer_id="ann") for surface in ("customer", "trending", "email")]
            answers = both.answer(asked, NOW)
            shown = {item.product_id for answer in answers for item in answer.items}
            assert shown in sold, number
            assert all(len(answer.items) == 6 for answer in answers)
    finally:
        is_done.set()
        changing.join()
