"""What leaves the shop: no group of fewer than ten people, nobody who did not allow it."""

import hashlib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError, NotFoundError
from foresell.predict.customers.segments.activating import activation, consented, hashed
from foresell.predict.customers.segments.exporting import counts, exportable

members = st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.sampled_from("XYZ"), st.sampled_from("12")), max_size=120
)


def people(**sizes):
    rows = [(f"{name}{place}", name) for name, size in sizes.items() for place in range(size)]
    return pl.DataFrame(rows, schema=["customer_id", "segment"], orient="row")


def sizes(exported, by=()):
    return {tuple(row[:-1]): row[-1] for row in counts(exported, by).iter_rows()}


def test_small_segments_are_merged_into_other():
    found = exportable(people(A=30, B=6, C=7))
    assert sizes(found) == {("A",): 30, ("other",): 13}
    assert (found.num_left_out, found.merged) == (0, ("B", "C"))


def test_another_that_is_small_itself_is_left_out():
    found = exportable(people(A=30, B=6))
    assert sizes(found) == {("A",): 30}
    assert found.num_left_out == 6


def test_small_segments_can_be_left_out_instead():
    found = exportable(people(A=30, B=6, C=7), small="leave_out")
    assert (sizes(found), found.num_left_out) == ({("A",): 30}, 13)


def test_a_group_of_five_never_leaves():
    assert exportable(people(A=5)).frame.is_empty()
    with pytest.raises(InputError, match="never exported"):
        exportable(people(A=30), k=5)


def test_a_small_value_within_a_segment_takes_the_next_smallest_with_it():
    """A is exported with 100 people: were only FR hidden, it would be 100 less the others."""
    rows = people(A=100).with_columns(country=pl.Series(["DE"] * 60 + ["IT"] * 37 + ["FR"] * 3))
    found = exportable(rows, by=["country"])
    assert sizes(found, ["country"]) == {("A", "DE"): 60, ("A", "other"): 40}
    alone = people(A=20).with_columns(country=pl.Series(["DE"] * 17 + ["FR"] * 3))
    assert sizes(exportable(alone, by=["country"]), ["country"]) == {("A", "other"): 20}


@given(members)
def test_every_group_that_leaves_has_ten_people_and_segments_stay_whole(rows):
    frame = pl.DataFrame(rows, schema=["segment", "country", "age"], orient="row")
    frame = frame.with_columns(
        pl.Series("customer_id", [str(place) for place in range(len(rows))], pl.String)
    )
    frame = frame.with_columns(pl.col("segment", "country", "age").cast(pl.String))
    found = exportable(frame, by=["country", "age"])
    groups = found.frame.group_by("segment", "country", "age").len()["len"]
    assert (groups >= 10).all()
    whole = frame["segment"].value_counts()
    for segment, size in whole.filter(pl.col("count") >= 10).iter_rows():
        assert found.frame.filter(pl.col("segment") == segment).height == size
    assert found.num_left_out < 10
    assert found.num_left_out == len(frame) - len(found.frame)


def test_columns_that_nobody_asked_for_do_not_leave():
    rows = people(A=20).with_columns(secret=pl.lit("x"))
    assert exportable(rows).frame.columns == ["customer_id", "segment"]
    with pytest.raises(InputError, match="Did you mean 'secret'"):
        exportable(rows, by=["secrets"])
    with pytest.raises(InputError, match="one row"):
        exportable(pl.concat([rows, rows]))


def test_consent_is_the_last_word_and_silence_is_none(make_tables):
    def said(customer, at, is_granted, purpose="marketing"):
        return {
            "customer_id": customer,
            "purpose": purpose,
            "at": f"2024-01-{at:02}T00:00:00Z",
            "is_granted": is_granted,
        }

    shop = make_tables(
        {
            "consents": [
                said("yes", 1, False), said("yes", 2, True),
                said("no", 1, True), said("no", 2, False),
                said("other", 1, True, "analytics"),
                said("erased", 1, True),
            ],
            "customers": [
                {"customer_id": "no", "accepts_marketing": True},
                {"customer_id": "box", "accepts_marketing": True},
                {"customer_id": "silent"},
                {"customer_id": "erased", "erased_at": "2024-02-01T00:00:00Z"},
            ],
        }
    )  # fmt: skip
    assert consented(shop).to_list() == ["box", "yes"]
    assert consented(shop, "analytics").to_list() == ["other"]


def test_lists_hold_those_who_agreed_and_count_the_rest():
    segments = people(A=30, B=12)
    agreed = pl.Series([f"A{i}" for i in range(15)] + [f"B{i}" for i in range(9)])
    found = activation(segments, agreed)
    assert found.frame["segment"].unique().to_list() == ["A"]
    assert (found.num_members, found.num_without_consent, found.num_in_small_groups) == (42, 18, 9)
    assert found.frame.columns == ["segment", "customer_id"]


def test_hashes_are_of_normalized_addresses_and_shared_ones_stay_home():
    segments = people(A=14)
    identities = pl.DataFrame(
        [("email", f"t{i}", f"A{i}") for i in range(13)] + [("email", "t0", "A13"), ("name", "n", "A13")],
        schema=["id_type", "id_token", "customer_id"],
        orient="row",
    )

    def original(mark):
        if mark == "t12":
            raise NotFoundError("No original is kept for this token")
        return f" {mark.upper()}@Example.org "

    found = activation(
        segments, segments["customer_id"], identifier="sha256", identities=identities, original=original
    )
    assert found.frame.columns == ["segment", "id_type", "sha256"]
    wanted = {hashlib.sha256(f"t{i}@example.org".encode()).hexdigest() for i in range(1, 12)}
    assert set(found.frame["sha256"]) == wanted
    assert found.num_without_identifier == 3
    tokens = activation(segments, segments["customer_id"], identifier="token", identities=identities)
    assert len(tokens.frame) == 12


def test_without_originals_hashes_are_refused_with_what_to_do():
    with pytest.raises(InputError, match="keep_originals"):
        activation(people(A=20), pl.Series(["A1"]), identifier="sha256")


@pytest.mark.parametrize(
    ("kind", "value", "plain"),
    [
        ("email", " Some.Body@GMail.com", "somebody@gmail.com"),
        ("email", "some.body@example.org", "some.body@example.org"),
        ("phone", "+49 (170) 123-4567", "+491701234567"),
        ("phone", "0049 170 1234567", "+491701234567"),
    ],
)
def test_addresses_and_numbers_have_one_form(kind, value, plain):
    assert hashed(kind, value) == hashlib.sha256(plain.encode()).hexdigest()


@pytest.mark.parametrize(
    ("kind", "value"), [("email", "nobody"), ("email", "@x.org"), ("phone", "0170 1234567")]
)
def test_what_no_tool_could_match_has_no_hash(kind, value):
    assert hashed(kind, value) is None
