"""Artifacts: immutable, whole or absent, refused when touched; nobody's rows inside."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.store.model_versions import list_models, pointers, set_pointer, versions
from foresell.store.models import Origin, load_artifact, save_artifact

TABLE = pl.DataFrame({"product_id": ["a", "b"], "strength": [0.5, 1.5]})


def save(folder: Path, name: str = "shelf", **changes: object) -> str:
    given: dict[str, object] = {
        "kind": "item_knn",
        "config": {"shrink": 1.5},
        "tables": {"neighbors": TABLE},
        "scores": {"test": {"ndcg": 0.5}},
        **changes,
    }
    return save_artifact(folder, name, **given)  # type: ignore[arg-type]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    origin = Origin(
        {"orders": 3}, datetime(2026, 1, 1, tzinfo=UTC), seed=7, parents=("old/0001",), code_commit="abc"
    )
    version = save(tmp_path, origin=origin, card="Made for tests.")
    found = load_artifact(tmp_path, "shelf", version)
    assert (found.kind, found.config, found.scores) == ("item_knn", {"shrink": 1.5}, {"test": {"ndcg": 0.5}})
    assert_frame_equal(found.tables["neighbors"], TABLE)
    assert found.label == "shelf/0001"
    manifest = found.manifest
    assert manifest["training_tables"] == {"orders": 3}
    assert manifest["cutoff"] == "2026-01-01T00:00:00+00:00"
    assert (manifest["seed"], manifest["parents"], manifest["code_commit"]) == (7, ["old/0001"], "abc")
    assert manifest["privacy"] == {"epsilon": None}
    assert manifest["packages"]["polars"] == pl.__version__
    assert set(manifest["files"]) == {"config.json", "scores.json", "CARD.md", "tables/neighbors.parquet"}
    assert "Made for tests." in (tmp_path / "shelf" / version / "CARD.md").read_text(encoding="utf-8")


def test_versions_count_up_and_pointers_choose(tmp_path: Path) -> None:
    assert [save(tmp_path, config={"shrink": i}) for i in range(3)] == ["0001", "0002", "0003"]
    assert versions(tmp_path, "shelf") == ["0001", "0002", "0003"]
    assert pointers(tmp_path, "shelf") == {"candidate": "0003"}
    with pytest.raises(NotFoundError, match="no production"):
        load_artifact(tmp_path, "shelf")
    set_pointer(tmp_path, "shelf", "production", "0002")
    save(tmp_path, config={"shrink": 9})
    assert load_artifact(tmp_path, "shelf").config == {"shrink": 1}
    assert load_artifact(tmp_path, "shelf", "candidate").config == {"shrink": 9}
    set_pointer(tmp_path, "shelf", "production", "candidate")
    assert pointers(tmp_path, "shelf") == {"candidate": "0004", "production": "0004"}
    assert list_models(tmp_path) == {"shelf": ["0001", "0002", "0003", "0004"]}


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


@pytest.mark.parametrize("file", ["config.json", "scores.json", "CARD.md", "tables/neighbors.parquet"])
def test_a_touched_file_is_refused(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "shelf" / save(tmp_path)
    _append(folder / file)
    with pytest.raises(ConflictError, match="changed") as caught:
        load_artifact(tmp_path, "shelf", "0001")
    assert file in str(caught.value)


def test_missing_added_and_linked_files_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "shelf" / save(tmp_path)
    (folder / "tables" / "more.parquet").write_bytes(b"x")
    with pytest.raises(ConflictError, match=r"more\.parquet"):
        load_artifact(tmp_path, "shelf", "0001")
    (folder / "tables" / "more.parquet").unlink()
    outside = tmp_path / "outside"
    (folder / "config.json").rename(outside)
    with pytest.raises(ConflictError, match=r"config\.json"):
        load_artifact(tmp_path, "shelf", "0001")
    (folder / "config.json").symlink_to(outside)
    with pytest.raises(ConflictError, match=r"config\.json"):
        load_artifact(tmp_path, "shelf", "0001")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shelf" / save(tmp_path) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "format_version": 99}), "utf-8")
    with pytest.raises(ConflictError, match="Update foresell"):
        load_artifact(tmp_path, "shelf", "0001")


@pytest.mark.parametrize("name", ["", "..", "a/b", "../up", "A", "a b", ".hidden", "x" * 64, "a\n"])
def test_names_that_could_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "models"
    for attempt in (
        lambda: save(inside, name),
        lambda: save(inside, kind=name),
        lambda: save(inside, tables={name: TABLE}),
        lambda: load_artifact(inside, name, "0001"),
    ):
        with pytest.raises(InputError, match="no name"):
            attempt()
    assert not inside.exists()


@pytest.mark.parametrize("version", ["1", "../0001", "0002", "latest", ""])
def test_an_unknown_version_names_the_known(tmp_path: Path, version: str) -> None:
    save(tmp_path)
    with pytest.raises(NotFoundError, match="Versions: 0001"):
        load_artifact(tmp_path, "shelf", version)


def test_an_unknown_model_names_the_known(tmp_path: Path) -> None:
    save(tmp_path)
    with pytest.raises(NotFoundError, match="Models: shelf"):
        load_artifact(tmp_path, "shelve")
    with pytest.raises(InputError, match="candidate"):
        set_pointer(tmp_path, "shelf", "candidat", "0001")


@pytest.mark.parametrize("column", ["customer_id", "order_id", "session_id", "anonymous_id"])
def test_rows_of_single_customers_are_refused(tmp_path: Path, column: str) -> None:
    with pytest.raises(InputError, match=column):
        save(tmp_path, tables={"seen": pl.DataFrame({column: ["x"]})})
    assert not (tmp_path / "shelf").exists()


def test_a_failed_save_leaves_nothing_behind(tmp_path: Path) -> None:
    save(tmp_path)
    with pytest.raises(TypeError, match="JSON"):
        save(tmp_path, scores={"test": object()})
    assert sorted(path.name for path in (tmp_path / "shelf").iterdir()) == [".lock", "0001", "pointers.json"]
    assert save(tmp_path) == "0002"


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: save(tmp_path, config={"i": i}), range(16)))
    assert sorted(found) == [f"{i:04d}" for i in range(1, 17)]
    assert sorted(load_artifact(tmp_path, "shelf", v).config["i"] for v in found) == list(range(16))
    assert pointers(tmp_path, "shelf")["candidate"] == "0016"
