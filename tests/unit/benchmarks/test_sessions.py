"""The benchmark of sessions: who is judged on what, and what may be known before."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from foresell.predict.recommend import load_model

Load = Callable[[str], ModuleType]
SESSIONS = [[n % 7, (n + 1) % 7, 10 + n % 3] for n in range(28)] + [[1], [2, 2]]


@pytest.fixture
def files(load: Load, tmp_path: Path) -> object:
    train, test = tmp_path / "train.parquet", tmp_path / "test.parquet"
    pl.DataFrame({"items": SESSIONS}).write_parquet(train)
    pl.DataFrame({"prefix": [[2], [2, 3]], "target": [2, 99]}).write_parquet(test)
    return load("sessions.parquet").Files(train, test)


def test_validation_is_cut_from_the_last_tenth(load: Load, files: object) -> None:
    task = load("sessions.parquet").read_task(files)
    judged = task.validation.targets["customer_id"].unique().sort()
    # Of the last three one has a single product.
    assert judged.to_list() == ["000000027", "000000029"]
    assert task.later is task.validation.targets
    for customer in judged:
        known = task.learned.filter(customer_id=customer).sort("occurred_at")
        target = task.validation.targets.filter(customer_id=customer)
        whole = [str(item) for item in SESSIONS[int(customer)]]
        assert [*known["product_id"], *target["product_id"]] == whole[: known.height + 1]
        assert known["occurred_at"].max() < target["occurred_at"].item()
    assert task.learned["customer_id"].n_unique() == 27 + 2
    assert task.everything.height == sum(map(len, SESSIONS))


def test_at_most_so_many_sessions_are_judged(load: Load, files: object) -> None:
    module = load("sessions.parquet")
    fewer = module.Files(files.train, files.test, validation_targets=1)  # type: ignore[attr-defined]
    assert module.read_task(fewer).validation.targets.height == 1
    assert fewer.hash() != files.hash()  # type: ignore[attr-defined]


def test_a_sessions_own_products_may_come_again(load: Load, files: object) -> None:
    task = load("sessions.parquet").read_task(files)
    assert not task.masks_history
    assert task.facts["targets_among_own_products"] == 1
    assert task.facts["targets_never_learned"] == 1
    model = load_model("item_knn")
    fitted = model.fit(task.everything, model.config())
    ranks = load("sequential.scoring").target_ranks(fitted, task.test, masks_history=task.masks_history)
    assert ranks.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"item": [[1, 2]]}, "no column items"),
        ({"items": [1, 2]}, "must be a list"),
        ({"items": [[1, 2], []]}, "at least one product"),
        ({"items": [[1]] * 20}, "no session of the last tenth"),
    ],
)
def test_a_bad_file_is_named(load: Load, files: object, train: dict[str, list[object]], message: str) -> None:
    pl.DataFrame(train).write_parquet(files.train)  # type: ignore[attr-defined]
    with pytest.raises(load("sequential.task").BadFileError, match=message):
        load("sessions.parquet").read_task(files)
