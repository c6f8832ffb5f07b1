"""Every recommender of MODELS keeps the contract of `FittedRecommender`."""

from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.predict.recommend import MODELS, load_model
from foresell.predict.recommend.backtest import config_of
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.model import INTERACTIONS, RECOMMENDED
from foresell.predict.recommend.reasons import REASONS
from foresell.store.models import Origin, load_artifact, save_artifact

START = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_MODEL = pytest.mark.parametrize("name", MODELS)
Taken = list[tuple[str, str, int]]


def frame(rows: Taken) -> pl.DataFrame:
    full = [(f"cust{c}", f"prod{p}", START + timedelta(days=day), 1.0) for c, p, day in dict.fromkeys(rows)]
    return pl.DataFrame(full, schema=INTERACTIONS, orient="row")


# What is trained step by step is trained little, and is small.
LITTLE = {
    "use_steps": True,
    "width": 8,
    "num_heads": 1,
    "max_epochs": 2,
    "text_encoder": "",
    "num_negatives": 8,
}


def fitted(name: str, past: pl.DataFrame) -> FittedRecommender:
    config = config_of(name, Settings())
    known = {field.name for field in fields(config)}
    return load_model(name).fit(past, replace(config, **{k: v for k, v in LITTLE.items() if k in known}))


PAST = frame([(str(c), str((c * p) % 7), c + 2 * p) for c in range(9) for p in range(1, 6)])


@EVERY_MODEL
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("abcde"), st.integers(0, 9)), min_size=1
    ),
    k=st.integers(1, 7),
    excluded=st.lists(
        st.tuples(st.sampled_from(["custu", "custv", None]), st.sampled_from(["proda", "prodb"]))
    ),
)
def test_recommendations_are_well_formed(
    name: str, rows: Taken, k: int, excluded: list[tuple[str | None, str]]
) -> None:
    past = frame(rows)
    schema = {"customer_id": pl.String, "product_id": pl.String}
    exclude = pl.DataFrame(excluded, schema=schema, orient="row")
    found = fitted(name, past).recommend(past, k, exclude=exclude)
    assert found.schema == RECOMMENDED
    known = set(past["product_id"])
    barred = {product for customer, product in excluded if customer is None}
    for customer in past["customer_id"].unique():
        mine = found.filter(customer_id=customer)
        forbidden = barred | {product for whose, product in excluded if whose == customer}
        assert mine["rank"].to_list() == list(range(1, min(k, len(known - forbidden)) + 1))
        assert set(mine["product_id"]) <= known - forbidden
        assert mine["product_id"].is_unique().all()
        assert mine.equals(mine.sort("score", "product_id", descending=[True, False]))
    assert found.equals(found.sort("customer_id", "rank"))
    assert set(found["reason_code"]) <= set(REASONS["en"])


@EVERY_MODEL
def test_the_order_of_rows_changes_nothing(name: str) -> None:
    shuffled = PAST.sample(fraction=1.0, shuffle=True, seed=3)
    one, other = fitted(name, PAST).recommend(PAST, 5), fitted(name, shuffled).recommend(shuffled, 5)
    keys = ("customer_id", "rank", "product_id")
    assert one.select(keys).equals(other.select(keys))


@EVERY_MODEL
def test_saved_and_loaded_it_recommends_the_same(name: str, tmp_path: Path) -> None:
    model, before = load_model(name), fitted(name, PAST)
    weights = before.to_weights() if hasattr(before, "to_weights") else None
    config, tables = asdict(before.config), before.to_tables()
    version = save_artifact(tmp_path, name, name, config, tables, {}, Origin(seed=0), weights=weights)
    artifact = load_artifact(tmp_path, name, version)
    loaded_weights = [artifact.weights] if artifact.weights else []
    after = load_model(artifact.kind).load(artifact.config, artifact.tables, *loaded_weights)
    assert model.name == artifact.kind
    assert after.config == before.config
    assert after.recommend(PAST, 5).equals(before.recommend(PAST, 5))


@EVERY_MODEL
def test_what_was_learned_names_no_customer(name: str) -> None:
    customers = set(PAST["customer_id"])
    for table in fitted(name, PAST).to_tables().values():
        texts = table.select(pl.selectors.string())
        assert not customers & {value for column in texts for value in column}
        assert table.height < PAST.height * len(customers)


@EVERY_MODEL
def test_a_stranger_gets_popular_products_with_a_reason(name: str) -> None:
    found = fitted(name, PAST).recommend(PAST, 3, customers=pl.Series(["stranger"]))
    assert found["customer_id"].to_list() == ["stranger"] * 3
    assert found["reason_code"].to_list() == ["popular"] * 3


@EVERY_MODEL
def test_without_reasons_only_the_reasons_are_missing(name: str) -> None:
    model = fitted(name, PAST)
    plain = model.recommend(PAST, 3, with_reasons=False)
    reasons = ["reason_code", "because_product_id"]
    assert plain.drop(reasons).equals(model.recommend(PAST, 3).drop(reasons))
    assert plain["reason_code"].null_count() == plain.height


@EVERY_MODEL
def test_nothing_to_learn_from_is_an_error_a_user_understands(name: str) -> None:
    with pytest.raises(InputError, match="Import orders"):
        fitted(name, pl.DataFrame(schema=INTERACTIONS))
