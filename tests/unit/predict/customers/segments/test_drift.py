"""Segments over time: who moved, how stable they are, and what they are worth telling apart for."""

import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.predict.customers.segments import load_segmentation
from foresell.predict.customers.segments.choosing import Choosing
from foresell.predict.customers.segments.drift import migration, stability_over_seeds, stability_over_time
from foresell.predict.customers.segments.separation import explained_share, separation


def at(**segments):
    rows = [(str(key), name) for name, ids in segments.items() for key in ids]
    return pl.DataFrame(rows, schema=["customer_id", "segment"], orient="row")


def moved(found):
    return {(row[0], row[1]): row[2] for row in found.moves.iter_rows()}


def test_a_matrix_counts_who_went_where():
    found = migration(at(A=range(40), B=range(40, 80)), at(A=range(25), B=range(25, 80)))
    assert moved(found) == {("A", "A"): 25, ("A", "B"): 15, ("B", "A"): 0, ("B", "B"): 40}
    assert found.stayed == pytest.approx(65 / 80)
    assert found.drift == pytest.approx(15 / 80)
    assert found.num_hidden == 0


def test_a_handful_who_moved_is_hidden_and_cannot_be_told_back():
    found = migration(at(A=range(40), B=range(40, 80)), at(A=range(36), B=range(36, 80)))
    cells = moved(found)
    assert cells["A", "B"] is None
    assert cells["A", "A"] is None
    assert (
        found.moves.filter(pl.col("num_customers").is_null())["share_of_from"].null_count()
        == found.num_hidden
    )


def test_who_came_or_went_has_a_row():
    found = migration(at(A=range(30)), at(A=range(20, 50)))
    assert moved(found)[("(not there)", "A")] == 20
    assert moved(found)[("A", "(not there)")] == 20
    assert found.stayed == 1.0
    nobody = migration(at(A=range(20)), at(A=range(20, 40)))
    assert (nobody.stayed, nobody.agreement) == (None, None)
    with pytest.raises(InputError, match="missing"):
        migration(at(), at(A=[1]))


def test_stability_over_seeds_and_weeks(customers, more_customers):
    segmentation = load_segmentation("behavior")
    config = segmentation.config(choosing=Choosing(num_segments=3, most=3))
    over_seeds = stability_over_seeds(segmentation, customers, config, range(3))
    assert over_seeds.lowest > 0.95
    assert len(over_seeds.agreements) == 3
    fits = [segmentation.fit(one, config) for one in (customers, more_customers[0])]
    assert stability_over_time(fits, more_customers[0]).mean > 0.9
    with pytest.raises(InputError, match="two fits"):
        stability_over_time(fits[:1], customers)


def test_separation_is_in_the_terms_of_the_shop(customers, kinds):
    names = pl.Series([("often", "some", "rare")[kind] for kind in kinds])
    facts = customers.features.select("recency_days", "orders", "monetary_value")
    found = separation(names, facts)
    money = found.filter(pl.col("measure") == "monetary_value")
    assert money["share_of_total"].sum() == pytest.approx(1.0)
    assert money["segment"].to_list() == ["often", "rare", "some"]
    often = money.row(0, named=True)
    mean = facts["monetary_value"].to_numpy()[kinds == 0].mean()
    rest = facts["monetary_value"].to_numpy()[kinds != 0].mean()
    assert (often["value"], often["rest"]) == (pytest.approx(mean), pytest.approx(rest))
    assert often["is_apart"]
    assert often["gap_lower"] < mean - rest < often["gap_upper"]
    assert found.filter(pl.col("measure") == "recency_days")["share_of_total"].null_count() == 3
    assert money["explained"][0] > 0.85
    with pytest.raises(InputError, match="same customers"):
        separation(names.head(5), facts)


def test_segments_that_say_nothing_explain_nothing():
    values = pl.Series([1.0, 2.0, 1.0, 2.0])
    assert explained_share(pl.Series(["a", "a", "b", "b"]), values) == pytest.approx(0.0)
    assert explained_share(pl.Series(["a", "b", "a", "b"]), values) == pytest.approx(1.0)
    assert explained_share(pl.Series(["a", "b"]), pl.Series([3.0, 3.0])) == 0.0
