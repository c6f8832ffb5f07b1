"""The chance of a logged list under another epsilon, told from the log alone, is the chance that it has."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.predict.recommend.explore import Epsilon, explore, propensities
from foresell.predict.recommend.other_epsilon import MOST_SLOTS, with_list_chances


def logged(policy: str, chances: list[float], request: str = "r") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "request_id": [request] * len(chances),
            "rank": range(1, len(chances) + 1),
            "policy": [policy] * len(chances),
            "propensity": chances,
        },
        schema_overrides={"propensity": pl.Float64},
    )


@settings(max_examples=60)
@given(
    st.integers(1, 12),
    st.integers(1, 6),
    st.floats(0.01, 0.65),
    st.floats(0, 1),
    st.integers(0, 10**6),
    st.data(),
)
def test_it_is_what_the_candidates_would_have_told(
    number: int, k: int, rate: float, other: float, seed: int, data: st.DataObject
) -> None:
    """Also under caps, which change what may follow: the log needs no candidates for this."""
    scores = np.random.default_rng(seed).random(number)
    groups = np.asarray(data.draw(st.lists(st.integers(0, 2), min_size=number, max_size=number)))

    def at_most_two(chosen: np.ndarray) -> np.ndarray:
        return np.asarray(np.bincount(groups[chosen], minlength=3)[groups] < 2)

    chosen = explore(scores, k, Epsilon(rate), seed, at_most_two)
    rows = with_list_chances(logged(f"epsilon:{rate!r}", chosen.propensity_K.tolist()), other)
    wanted = propensities(scores, chosen.order_K, Epsilon(other), at_most_two)
    assert rows["left_out"].null_count() == rows.height
    assert rows["list_propensity"].to_list() == pytest.approx(np.cumprod(chosen.propensity_K))
    assert rows["list_target"].to_list() == pytest.approx(np.cumprod(wanted), abs=1e-12)


@pytest.mark.parametrize(
    ("policy", "chances", "other", "why"),
    [
        ("none", [1.0, 1.0], 0.1, ["no_chance"] * 2),
        ("none", [1.0, 1.0], 0.0, [None] * 2),
        ("none", [0.5], 0.0, ["not_as_logged"]),
        ("epsilon", [0.95], 0.1, ["no_chance"]),
        ("epsilon:much", [0.95], 0.1, ["no_chance"]),
        ("epsilon:0.7", [0.4], 0.1, ["no_chance"]),
        ("thompson", [0.4], 0.1, ["thompson"]),
        ("epsilon:0.1", [1.0, 0.95, 0.05], 0.2, [None] * 3),
        ("epsilon:0.1", [0.95, 0.3, 0.95], 0.2, [None, "not_as_logged", "not_as_logged"]),
        ("epsilon:0.1", [1.0] * (MOST_SLOTS + 1), 0.2, [None] * MOST_SLOTS + ["far_down"]),
    ],
)
def test_what_cannot_be_told_is_left_out_with_its_reason(
    policy: str, chances: list[float], other: float, why: list[str | None]
) -> None:
    rows = with_list_chances(logged(policy, chances), other)
    assert rows["left_out"].to_list() == why
    assert rows["list_target"].is_null().to_list() == [reason is not None for reason in why]


def test_a_list_does_not_touch_another() -> None:
    rows = pl.concat([logged("thompson", [0.5], "a"), logged("epsilon:0.5", [0.75, 1.0], "b")])
    found = with_list_chances(rows.reverse(), 0.1).sort("request_id", "rank")
    assert found["left_out"].to_list() == ["thompson", None, None]
    assert found["list_target"].to_list() == [None, pytest.approx(0.95), pytest.approx(0.95)]


@pytest.mark.parametrize("epsilon", [-0.1, 1.1])
def test_epsilon_is_a_chance(epsilon: float) -> None:
    with pytest.raises(InputError, match="chance"):
        with_list_chances(logged("none", [1.0]), epsilon)
