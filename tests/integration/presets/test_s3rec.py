"""S3-Rec: three users' sequences. Everybody's last item is of the last day, so that it can be held out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.errors import InputError


@pytest.fixture(scope="module")
def shop(make_store: Callable[..., Any], fixtures: Path) -> Any:
    made = make_store("s3rec")
    assert made.outcomes(fixtures / "s3rec") == (9, 0, 0, 0)
    return made


def test_the_last_day_holds_everybodys_last_item(shop: Any) -> None:
    found = [
        (*row[:2], row[2].isoformat()) for row in shop.rows("events", "customer_id product_id local_date")
    ]
    assert found == [
        ("1", "10", "2000-12-29"),
        ("1", "11", "2000-12-30"),
        ("1", "12", "2000-12-31"),
        ("2", "11", "2000-12-31"),
        ("3", "10", "2000-12-31"),
        ("3", "12", "2000-12-30"),
    ]


def test_items_have_their_attributes(shop: Any) -> None:
    assert shop.rows("products", "product_id attributes") == [
        ("10", '{"attribute_ids":[1,7]}'),
        ("11", '{"attribute_ids":[2,7]}'),
        ("12", '{"attribute_ids":[]}'),
    ]


def test_the_files_again_are_all_duplicate_and_a_longer_sequence_is_an_update(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path
) -> None:
    shop = make_store("s3rec")
    shop.add(fixtures / "s3rec")
    again = tmp_path / "sequences.txt"
    again.write_text((fixtures / "s3rec" / "sequences.txt").read_text() + "\n")
    assert shop.outcomes(again) == (0, 0, 6, 0)
    again.write_text("1\t10 11 12\r\n\n 2 11 10\n4\n")
    # User 2's first item is a day older now; a user without an item is a row of no use.
    assert shop.outcomes(again) == (1, 1, 3, 1)
    assert shop.changed_by_rebuild() == ()


def test_the_published_sequences_are_read_whole(tmp_path: Path, make_store: Callable[..., Any]) -> None:
    """Sequences of the size of a real set: more items than a JSON line may have fields."""
    attributes = tmp_path / "attributes.json"
    attributes.write_text("{" + ", ".join(f'"{n}": [{n % 7}]' for n in range(6000)) + "}")
    assert make_store("s3rec").outcomes(attributes) == (6000, 0, 0, 0)


def test_other_files_are_refused(make_store: Callable[..., Any], tmp_path: Path) -> None:
    for name, text, reason in (
        ("sequences.txt", "one\ntwo\n", "holds no sequences"),
        ("attributes.json", '{"10": 3}', "holds no attributes"),
        ("attributes.json", "[1", "holds no attributes"),
        ("ratings.json", "{}", "holds no file or sheet that fits"),
    ):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(InputError, match=reason):
            make_store("s3rec").add(path)


@pytest.mark.shared
def test_amazon_beauty_has_its_published_size(make_store: Callable[..., Any], shared_data: Path) -> None:
    shop = make_store("s3rec")
    assert shop.outcomes(shared_data / "amazon_beauty" / "sequences.txt") == (198_502, 0, 0, 0)
    with shop.shop.reading() as tables:
        assert tables.current("customers").count().execute() == 22_363
        assert tables.current("products").count().execute() == 12_101
