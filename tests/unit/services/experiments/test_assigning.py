"""Assignment: it stays, is even, and tells nothing of other experiments."""

from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare, kstest

from foresell.services.experiments.assigning import assigned, place_of
from foresell.services.experiments.declaration import Declaration, make_declaration

KEY = bytes(range(32))
CUSTOMERS = [f"c{number}" for number in range(8_000)]


def declared(
    name: str = "a-test", traffic: float = 1.0, shares: tuple[float, ...] = (0.5, 0.3, 0.2)
) -> Declaration:
    return make_declaration(
        {
            "name": name,
            "traffic": traffic,
            "variants": [{"name": f"v{number}", "share": share} for number, share in enumerate(shares)],
        }
    )


def test_customers_are_spread_evenly() -> None:
    assert kstest([place_of(KEY, "a-test", one) for one in CUSTOMERS], "uniform").pvalue > 0.001
    found = [assigned(KEY, declared(), one) for one in CUSTOMERS]
    counts = [sum(one is not None and one.name == f"v{number}" for one in found) for number in range(3)]
    assert chisquare(counts, [4_000, 2_400, 1_600]).pvalue > 0.001


def test_two_experiments_divide_independently() -> None:
    table = [[0, 0], [0, 0]]
    halves = (0.5, 0.5)
    for one in CUSTOMERS:
        first = assigned(KEY, declared("a-test", shares=halves), one)
        second = assigned(KEY, declared("another", shares=halves), one)
        assert first is not None
        assert second is not None
        table[first.name == "v0"][second.name == "v0"] += 1
    assert chi2_contingency(table).pvalue > 0.001


def test_another_key_divides_otherwise() -> None:
    same = sum(
        assigned(KEY, declared(), one) == assigned(bytes(32), declared(), one) for one in CUSTOMERS[:1_000]
    )
    # 0.5² + 0.3² + 0.2² = 0.38
    assert 300 < same < 460


@settings(max_examples=60)
@given(st.text(max_size=40), st.floats(0.01, 1.0), st.floats(0.0, 1.0))
def test_it_stays_and_more_traffic_takes_nobody_out(customer: str, traffic: float, more: float) -> None:
    """It is the same from process to process, and with more traffic whoever took part sees the same."""
    found = assigned(KEY, declared(traffic=traffic), customer)
    assert found == assigned(KEY, declared(traffic=traffic), customer)
    if found is not None:
        assert assigned(KEY, declared(traffic=min(1.0, traffic + more)), customer) == found
