"""What leaves the store: the same values, in groups of ten, of nobody erased, and always written down."""

import csv
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.columns import real, text, vector
from foresell.contracts.errors import ConflictError, ForesellError, InputError, NotFoundError
from foresell.services.erase import erase
from foresell.services.export import (
    Destination,
    Exported,
    export_audience,
    export_results,
    list_exports,
)
from foresell.services.export_files import write_file
from foresell.services.results import write_results
from foresell.services.shop import Shop, create_shop
from foresell.sources.sql.target import arrow_schema

AT = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
ImportRows = Callable[..., Any]
CUSTOMERS = "customer_id,country,city,accepts_marketing,email"


def put_segments(shop: Shop, *groups: tuple[str, Sequence[str]], segmentation: str = "rfm") -> None:
    """Segments with their members; those of the segmentation before are gone."""
    rows = [
        {"segmentation": segmentation, "customer_id": one, "segment": name, "confidence": 0.5}
        for name, members in groups
        for one in members
    ]
    made = pl.DataFrame(rows).with_columns(
        model=pl.lit("m/1"),
        cutoff_at=pl.lit(AT, pl.Datetime("us", "UTC")),
        made_at=pl.lit(AT, pl.Datetime("us", "UTC")),
    )
    write_results(shop, "segments", made, replaces={"segmentation": segmentation})


def put_scores(shop: Shop, customers: Sequence[str], task: str = "churn") -> None:
    made = pl.DataFrame(
        {
            "task": [task] * len(customers),
            "customer_id": list(customers),
            "model": ["churn/1"] * len(customers),
            "score": [0.1 + place / 7 for place in range(len(customers))],
            "unit": ["probability"] * len(customers),
            "reasons": ['[{"name": "recency", "adds": -0.2}]'] * len(customers),
            "is_chosen": [None] * len(customers),
        },
        schema_overrides={"is_chosen": pl.Boolean},
    ).with_columns(
        lower=pl.lit(None, pl.Float64),
        upper=pl.lit(None, pl.Float64),
        horizon_days=pl.lit(90.0),
        cutoff_at=pl.lit(AT, pl.Datetime("us", "UTC")),
        made_at=pl.lit(AT, pl.Datetime("us", "UTC")),
    )
    write_results(shop, "scores", made, replaces={"task": task})


def ids(number: int, start: int = 0) -> list[str]:
    return [f"c{place:04}" for place in range(start, start + number)]


def import_customers(import_rows: ImportRows, customers: Sequence[str], **columns: Sequence[object]) -> None:
    """Customers of Berlin who accept marketing, where nothing else is given."""
    rows = []
    for place, one in enumerate(customers):
        row = {"country": "DE", "city": "Berlin", "accepts_marketing": "true", "email": f"{one}@example.org"}
        row |= {name: str(values[place]) for name, values in columns.items()}
        rows.append(",".join([one, *row.values()]))
    import_rows(*rows, header=CUSTOMERS, preset="customers")


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def export(shop: Shop, name: str, path: Path, **given: Any) -> Exported:
    to = {key: given.pop(key) for key in ("is_forced", "is_spreadsheet", "table") if key in given}
    return export_results(shop, name, Destination(str(path), **to), **given)


# Files


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_holds_what_the_table_holds(shop: Shop, tmp_path: Path, suffix: str) -> None:
    put_scores(shop, ids(5))
    path = tmp_path / f"scores.{suffix}"
    exported = export(shop, "scores", path)
    assert exported.num_rows == 5
    frame = pl.read_csv(path, try_parse_dates=True) if suffix == "csv" else pl.read_parquet(path)
    assert frame["customer_id"].to_list() == ids(5), "by the key"
    assert frame["score"].to_list() == [0.1 + place / 7 for place in range(5)]
    assert frame["is_chosen"].null_count() == 5
    assert set(frame["cutoff_at"].dt.convert_time_zone("UTC")) == {AT}
    assert frame["reasons"][0] == '[{"name": "recency", "adds": -0.2}]'
    assert path.stat().st_mode & 0o077 == 0
    assert [one.name for one in tmp_path.iterdir() if "scores" in one.name] == [path.name]


def test_only_some_rows_can_be_asked_for(shop: Shop, tmp_path: Path) -> None:
    put_scores(shop, ids(3))
    put_scores(shop, ids(2), task="o'clock")
    path = tmp_path / "scores.csv"
    assert export(shop, "scores", path, where={"task": "o'clock"}).num_rows == 2
    assert {row["task"] for row in read_rows(path)} == {"o'clock"}
    with pytest.raises(NotFoundError, match="no column 'taks'"):
        export(shop, "scores", path, where={"taks": "churn"})
    with pytest.raises(NotFoundError, match="nothing to export"):
        export(shop, "scores", path, where={"task": "' OR 1=1 --"})
    with pytest.raises(NotFoundError, match="foresell fit forecast"):
        export(shop, "forecasts", path)
    assert {row["task"] for row in read_rows(path)} == {"o'clock"}, "a failure leaves the file"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))), max_size=8))
def test_any_text_comes_back_from_csv(tmp_path: Path, values: list[str | None]) -> None:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    columns = (text("name"), text("same"))
    path = tmp_path / "any.csv"
    given_ = pa.record_batch([values, ["x"] * len(values)], schema=arrow_schema(columns))
    written = write_file(
        path,
        columns,
        [given_],
        is_spreadsheet=False,
        is_ours=lambda _: True,
        is_about_to_be=lambda _: None,
    )
    assert written.num_rows == len(values)
    read = arrow_csv.read_csv(
        path,
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(("name", "same"), pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    assert read["name"].to_pylist() == values


def test_formulas_are_told_of_and_harmless_in_a_file_for_people(shop: Shop, tmp_path: Path) -> None:
    dangerous = ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "＝1"]
    put_scores(shop, [*dangerous, "c1", "a=b", ""])
    plain = export(shop, "scores", tmp_path / "plain.csv")
    assert any("6 values begin with" in note for note in plain.notes)
    found = {row["customer_id"] for row in read_rows(tmp_path / "plain.csv")}
    assert found == {*dangerous, "c1", "a=b", ""}, "a program reads what the store holds"
    people = export(shop, "scores", tmp_path / "people.csv", is_spreadsheet=True)
    assert not people.notes
    shown = {row["customer_id"] for row in read_rows(tmp_path / "people.csv")}
    assert shown == {*(f"'{one}" for one in dangerous), "c1", "a=b", ""}
    assert (tmp_path / "people.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_file_is_replaced_only_if_it_is_as_foresell_wrote_it(shop: Shop, tmp_path: Path) -> None:
    put_scores(shop, ids(3))
    path = tmp_path / "scores.csv"
    path.write_text("my own notes\n")
    with pytest.raises(ConflictError, match="--replace"):
        export(shop, "scores", path)
    assert path.read_text() == "my own notes\n"
    path.chmod(0o640)
    export(shop, "scores", path, is_forced=True)
    assert path.stat().st_mode & 0o777 == 0o640
    put_scores(shop, ids(4))
    assert export(shop, "scores", path).num_rows == 4
    with path.open("a") as file:
        file.write("a line of mine\n")
    with pytest.raises(ConflictError, match="changed since"):
        export(shop, "scores", path)
    assert [entry.outcome for entry in list_exports(shop)] == ["failed", "finished", "finished", "failed"]


PROGRAM = """
import sys
from pathlib import Path
from foresell.services.export import Destination, export_results
from foresell.services.shop import open_shop
export_results(open_shop(Path(sys.argv[1])), "scores", Destination(sys.argv[2]))
"""


@pytest.mark.parametrize("point", ["export.batch_written", "export.written"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_killed_export_leaves_the_old_file(shop: Shop, tmp_path: Path, point: str, suffix: str) -> None:
    path = tmp_path / f"scores.{suffix}"
    put_scores(shop, ids(3))
    export(shop, "scores", path)
    before = path.read_bytes()
    put_scores(shop, ids(5))
    command = [sys.executable, "-c", PROGRAM, str(shop.folder.root), str(path)]
    ended = subprocess.run(command, env={**os.environ, "FORESELL_KILL_AT": point}, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert [entry.outcome for entry in list_exports(shop)] == ["finished", "open"]
    assert export(shop, "scores", path).num_rows == 5
    assert not list(tmp_path.glob(".*")), "nothing of the killed one is left"


def test_vectors_are_json_in_csv(tmp_path: Path) -> None:
    import pyarrow as pa

    columns = (vector("vector"), real("share"))
    rows = pa.record_batch([[[0.1, -2.5], None, []], [float("nan"), 1.0, None]], schema=arrow_schema(columns))
    given_: dict[str, Any] = {
        "is_spreadsheet": False,
        "is_ours": lambda _: True,
        "is_about_to_be": lambda _: None,
    }
    write_file(tmp_path / "v.csv", columns, [rows.slice(1), rows], **given_)
    assert [row["vector"] for row in read_rows(tmp_path / "v.csv")] == ["", "[]", "[0.1,-2.5]", "", "[]"]
    broken = pa.record_batch([[[float("nan")]], [1.0]], schema=arrow_schema(columns))
    with pytest.raises(InputError, match="'vector'"):
        write_file(tmp_path / "w.csv", columns, [broken], **given_)
    write_file(tmp_path / "w.parquet", columns, [broken], **given_)
    assert not (tmp_path / "w.csv").exists()


# Segments


def test_a_group_of_five_never_leaves(shop: Shop, tmp_path: Path) -> None:
    put_segments(shop, ("champions", ids(30)), ("loyal", ids(12, 100)), ("lost", ids(5, 200)))
    path = tmp_path / "segments.csv"
    exported = export(shop, "segments", path)
    sizes = Counter(row["segment"] for row in read_rows(path))
    # The five are not merely missing, which would tell who they are: the smallest of the rest joins them.
    assert sizes == {"champions": 30, "other": 17}
    assert "lost" not in path.read_text()
    assert set(read_rows(path)[0]) == {"segmentation", "customer_id", "segment", "cutoff_at"}
    assert any("17 customers" in note for note in exported.notes)
    put_segments(shop, ("champions", ids(5)), ("lost", ids(4, 100)))
    with pytest.raises(ConflictError, match="fewer than ten"):
        export(shop, "segments", tmp_path / "few.csv")
    assert not (tmp_path / "few.csv").exists()


def test_segments_cannot_be_cut_into_smaller_groups(shop: Shop, tmp_path: Path) -> None:
    put_segments(shop, ("champions", ids(30)))
    put_segments(shop, ("a", ids(30)), segmentation="features")
    for given_ in ({}, {"segmentation": "rfn"}, {"segmentation": "rfm", "by": ["customer_id"]}):
        with pytest.raises((InputError, NotFoundError)):
            export(shop, "segments", tmp_path / "s.csv", **given_)
    with pytest.raises(InputError, match="single people out"):
        export(shop, "segments", tmp_path / "s.csv", segmentation="rfm", where={"customer_id": "c0001"})
    put_scores(shop, ids(3))
    with pytest.raises(InputError, match="are of 'segments'"):
        export(shop, "scores", tmp_path / "s.csv", by=["country"])


@pytest.mark.parametrize("seed", range(4))
def test_two_exports_joined_hold_no_small_group(
    shop: Shop, import_rows: ImportRows, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    everybody = ids(150)
    countries = [chance.choice(["DE", "DE", "FR", "AT"]) for _ in everybody]
    cities = [chance.choice(["Berlin", "Paris", "Wien", "Graz", "Bonn"]) for _ in everybody]
    import_customers(import_rows, everybody, country=countries, city=cities)
    put_segments(shop, ("champions", everybody[:70]), ("loyal", everybody[70:143]), ("lost", everybody[143:]))
    seen: dict[str, dict[str, str]] = {}
    for place, by in enumerate((["country"], ["city"], ["accepts_marketing"], ["city", "country"], [])):
        path = tmp_path / f"{place}.csv"
        export(shop, "segments", path, by=by)
        for row in read_rows(path):
            seen.setdefault(row["customer_id"], {}).update(
                {f"{place}-{name}": row[name] for name in ("segment", *by)}
            )
    groups = Counter(tuple(sorted(row.items())) for row in seen.values())
    assert min(groups.values()) >= 10
    assert len(groups) > 3, "and yet something is told"
    assert sum(groups.values()) == len(everybody)


# Lists for mail and ads


def test_a_list_holds_only_those_who_allow_it(shop: Shop, import_rows: ImportRows, tmp_path: Path) -> None:
    members = ids(40)
    import_customers(import_rows, members, accepts_marketing=["true"] * 30 + ["false"] * 10)
    # The last word counts: the first twelve took it back, one of those who never allowed it did so now.
    refused = [f"{one},marketing,2024-02-01T00:00:00Z,false" for one in members[:12]]
    allowed = f"{members[35]},marketing,2024-02-01T00:00:00Z,true"
    header = "customer_id,purpose,at,is_granted"
    import_rows(*refused, allowed, header=header, preset="consents")
    put_segments(shop, ("champions", members), ("loyal", ids(20, 100)))
    path = tmp_path / "mail.csv"
    chosen = {"segmentation": "rfm", "segment": "champions"}
    exported = export_audience(shop, Destination(str(path)), **chosen)
    found = [row["customer_id"] for row in read_rows(path)]
    assert found == sorted([*members[12:30], members[35]])
    assert exported.num_rows == 19
    assert "21 do not allow" in exported.notes[0]
    with pytest.raises(ConflictError, match="Fewer than ten"):
        export_audience(shop, Destination(str(path)), **chosen, purpose="profiling")
    with pytest.raises(NotFoundError, match="no segment 'champion'"):
        export_audience(shop, Destination(str(path)), segmentation="rfm", segment="champion")
    with pytest.raises(InputError, match="no kind of identifier"):
        export_audience(shop, Destination(str(path)), **chosen, identifier="email")
    assert len(read_rows(path)) == 19


def test_ad_tools_get_hashes_of_kept_addresses_and_nothing_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foresell.services.ingest import import_files
    from foresell.services.inputs import ImportRequest

    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    members = ids(15)
    file = tmp_path / "customers.csv"
    lines = [f"{one},true,{one.upper()}@Example.org" for one in members]
    file.write_text("\n".join(["customer_id,accepts_marketing,email", *lines]) + "\n")
    chosen = {"segmentation": "rfm", "segment": "champions", "identifier": "sha256"}
    for keep in (True, False):
        shop = create_shop(tmp_path / f"store-{keep}", {"privacy": {"keep_originals": keep}})
        import_files(shop, ImportRequest(file, "customers"))
        put_segments(shop, ("champions", members))
        path = tmp_path / f"ads-{keep}.csv"
        if not keep:
            with pytest.raises(ConflictError, match="keep_originals"):
                export_audience(shop, Destination(str(path)), **chosen)
            continue
        export_audience(shop, Destination(str(path)), **chosen)
        expected = {hashlib.sha256(f"{one}@example.org".encode()).hexdigest() for one in members}
        assert {row["sha256"] for row in read_rows(path)} == expected
        tokens = tmp_path / "tokens.csv"
        export_audience(shop, Destination(str(tokens)), **{**chosen, "identifier": "token"})
        assert len(read_rows(tokens)) == 15
        assert "example" not in tokens.read_text().lower()


# Erasure


def test_who_was_erased_is_in_no_export_though_a_table_names_them(
    shop: Shop, import_rows: ImportRows, tmp_path: Path
) -> None:
    members = ids(30)
    import_customers(import_rows, members)
    erase(shop, [members[3]])
    # As if a model had been at work meanwhile and wrote what it knew.
    put_scores(shop, members)
    put_segments(shop, ("champions", members))
    vectors = pl.DataFrame(
        {"entity_type": ["customer"] * 30, "entity_id": members, "model": ["m"] * 30, "vector": [[1.0]] * 30},
        schema_overrides={"vector": pl.List(pl.Float32)},
    ).with_columns(
        made_at=pl.lit(AT, pl.Datetime("us", "UTC")), cutoff_at=pl.lit(None, pl.Datetime("us", "UTC"))
    )
    write_results(shop, "embeddings", vectors, replaces={})
    assert export(shop, "scores", tmp_path / "scores.csv").num_rows == 29
    assert export(shop, "segments", tmp_path / "segments.csv", by=["country"]).num_rows == 29
    assert export(shop, "embeddings", tmp_path / "vectors.csv").num_rows == 29
    to = Destination(str(tmp_path / "mail.csv"))
    assert export_audience(shop, to, segmentation="rfm", segment="champions").num_rows == 29
    for path in tmp_path.glob("*.csv"):
        if not path.name.startswith("file-"):
            assert members[3] not in path.read_text(), path.name


# The log of exports


def test_every_export_is_written_down_without_a_password(shop: Shop, tmp_path: Path) -> None:
    put_segments(shop, ("champions", ids(30)))
    put_scores(shop, ids(3))
    export(shop, "segments", tmp_path / "s.parquet")
    database = tmp_path / "out.db"
    url = f"sqlite:///{database}"
    export_results(shop, "scores", Destination(url, table="churn"), where={"task": "churn"})
    with pytest.raises(ForesellError):
        export_results(shop, "scores", Destination("postgresql://u:geheim@h/db"))
    with pytest.raises(ForesellError):
        export_results(shop, "scores", Destination("oracle://u@h/db"))
    first, second, failed = list_exports(shop)
    assert (first.name, first.num_rows, first.outcome) == ("segments", 30, "finished")
    assert first.details == {"segmentation": "rfm", "by": []}
    assert first.target == str(tmp_path / "s.parquet")
    assert first.exported_by
    assert first.ended_at is not None
    assert first.begun_at <= first.ended_at
    assert (second.target, second.details) == (f"{url} churn", {"where": {"task": "churn"}})
    assert (failed.outcome, failed.num_rows) == ("failed", None)
    assert b"geheim" not in shop.folder.state.path.read_bytes()
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*), min(cutoff_at) FROM churn").fetchone() == (
            3,
            "2024-05-01 12:30:00.000000Z",
        )
    connection.close()


def test_what_cannot_be_written_down_does_not_leave(shop: Shop, tmp_path: Path) -> None:
    put_scores(shop, ids(3))
    with sqlite3.connect(shop.folder.state.path) as connection:
        connection.execute("CREATE TABLE exports (other TEXT)")
    connection.close()
    with pytest.raises(ForesellError):
        export(shop, "scores", tmp_path / "scores.csv")
    assert not (tmp_path / "scores.csv").exists()


def test_places_that_cannot_be_are_named(shop: Shop, tmp_path: Path) -> None:
    put_scores(shop, ids(3))
    inside = shop.folder.root / "scores.csv"
    link = tmp_path / "link.csv"
    link.symlink_to(inside)
    (tmp_path / "folder.csv").mkdir()
    database = shop.folder.root / "state.sqlite"
    for place, said in (
        (inside, "do not go into the store"),
        (link, "do not go into the store"),
        (f"sqlite:///{database}", "do not go into the store"),
        (tmp_path / "scores.xlsx", ".csv or .parquet"),
        (tmp_path / "no" / "scores.csv", "There is no folder"),
        (tmp_path / "folder.csv", "is no file"),
    ):
        with pytest.raises(ForesellError, match=said):
            export_results(shop, "scores", Destination(str(place)))
    with pytest.raises(InputError, match="no table in it"):
        export_results(shop, "scores", Destination(str(tmp_path / "s.csv"), table="x"))
    with pytest.raises(NotFoundError, match="Did you mean 'scores'"):
        export_results(shop, "score", Destination(str(tmp_path / "s.csv")))
    assert list_exports(shop) == []
