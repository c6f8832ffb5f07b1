"""Columns that are computed from others are found, whatever they are called."""

from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.settings import EngineSettings
from foresell.sources.staging import ReadOptions
from foresell.sources.suggest.arithmetic import RATE, Product, Total
from foresell.sources.suggest.evidence import Evidence
from foresell.sources.suggest.profile import profile_columns
from foresell.sources.suggest.sample import read_sample
from foresell.store.engine import connect


class Text:
    """A CSV in memory, as a reader takes it."""

    name = "test.csv"

    def __init__(self, header: str, rows: list[tuple[object, ...]]) -> None:
        lines = [header, *(",".join(map(str, row)) for row in rows)]
        self.data = ("\n".join(lines) + "\n").encode()
        self.size = len(self.data)

    def open(self, mode: str = "rb") -> object:
        import io

        return io.BytesIO(self.data)


def evidence(header: str, rows: list[tuple[object, ...]]) -> Evidence:
    connection = connect(EngineSettings())
    sample = read_sample(connection, Text(header, rows), ReadOptions())  # type: ignore[arg-type]
    return Evidence(sample, profile_columns(connection, sample))


LINES = st.lists(
    st.tuples(st.integers(2, 9), st.integers(101, 9999)),
    min_size=8,
    max_size=20,
    unique_by=lambda line: line[1],
)


@settings(max_examples=15, deadline=None)
@given(LINES)
def test_a_quantity_times_a_price(lines: list[tuple[int, int]]) -> None:
    rows = [(q, f"{cents / 100:.2f}", f"{q * cents / 100:.2f}") for q, cents in lines]
    assert Product("a", "b", "c") in evidence("a,b,c", rows).products


def test_less_a_discount_or_a_rate() -> None:
    prices = [(2, 10.0), (3, 7.5), (1, 9.9), (4, 2.25), (2, 30.0), (5, 1.1)]
    off = [0.5, 0.0, 1.0, 0.25, 3.0, 0.1]
    rows = [(q, p, d, round(q * p - d, 2)) for (q, p), d in zip(prices, off, strict=True)]
    assert Product("q", "p", "t", ((-1, "d"),)) in evidence("q,p,d,t", rows).products
    percent = [10, 0, 20, 5, 50, 10]
    rows = [(q, p, r, round(q * p * (1 - r / 100), 4)) for (q, p), r in zip(prices, percent, strict=True)]
    assert Product("q", "p", "t", ((RATE, "r"),)) in evidence("q,p,r,t", rows).products


def test_parts_that_add_up_to_a_total() -> None:
    rows = [
        (20 + n, round(n * 0.7, 2), 4.9 + n % 3, round(20 + n - n * 0.7 + 4.9 + n % 3, 2))
        for n in range(1, 12)
    ]
    found = evidence("goods,off,post,sum", rows).totals
    assert Total("sum", "goods", ((-1, "off"), (1, "post"))) in found
