"""The benchmark of sequences on files so small that every number can be counted by hand."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest

from foresell.predict.recommend import load_model

REPOSITORY = Path(__file__).resolve().parents[3]
Load = Callable[[str], ModuleType]
SEQUENCES = "u1 a b c d\nu2 a b c\n\nu3 b a\nu4 c a b d a\n"


def write(folder: Path, text: str, name: str = "sequences.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def pairs(frame: pl.DataFrame) -> set[tuple[str, str]]:
    return set(frame.select("customer_id", "product_id").iter_rows())


def test_the_last_is_the_test_and_the_one_before_it_the_validation(load: Load, tmp_path: Path) -> None:
    sequences = load("sequential.sequences")
    task = sequences.read_task(sequences.Files(write(tmp_path, SEQUENCES)))
    assert pairs(task.test.targets) == {("u1", "d"), ("u2", "c"), ("u4", "a")}
    assert pairs(task.validation.targets) == {("u1", "c"), ("u2", "b"), ("u4", "d")}
    # A user of two items is learned from, and judged nowhere.
    assert task.learned.filter(customer_id="u3")["product_id"].to_list() == ["b", "a"]
    assert task.learned.height == 2 + 1 + 2 + 3
    assert task.validation.histories.height == 2 + 1 + 3
    assert task.test.histories.filter(customer_id="u4")["product_id"].to_list() == ["c", "a", "b", "d"]
    assert task.everything is None
    assert task.products is None
    assert task.facts["targets_among_earlier_products"] == 1
    assert task.facts["targets_never_learned"] == 1


def test_what_other_files_tell_of_products_is_read(load: Load, tmp_path: Path) -> None:
    sequences = load("sequential.sequences")
    files = sequences.Files(
        write(tmp_path, SEQUENCES),
        write(tmp_path, '{"a": [3, 4], "z": [5]}', "a.json"),
        write(tmp_path, "item_id\tasin\twords\nb\tB1\tsoft soap\n", "t.tsv"),
    )
    products = sequences.read_task(files).products
    assert products["product_id"].to_list() == ["a", "b", "c", "d"]
    assert products["labels"].to_list() == [["attribute:3", "attribute:4"], [], [], []]
    assert products["text"].to_list() == [None, "soft soap", None, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("u1 a b c\nu2\n", "line 2: 'u2' has no items"),
        ("u1 a b c\nu1 d e f\n", "line 2: user 'u1' has an earlier line"),
        ("\n\n", "holds no sequences"),
        ("u1 a b\nu2 c\n", "no user has 3 items"),
    ],
)
def test_a_bad_line_is_named(load: Load, tmp_path: Path, text: str, message: str) -> None:
    sequences = load("sequential.sequences")
    with pytest.raises(load("sequential.task").BadFileError, match=message):
        sequences.read_task(sequences.Files(write(tmp_path, text)))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("attributes", "[1, 2]", "wanted a JSON object"),
        ("attributes", '{"a": 1}', "wanted a JSON object"),
        ("texts", "item\ttext\na\tb\tc\n", "line 2: 3 columns"),
    ],
)
def test_a_bad_file_of_products_is_named(
    load: Load, tmp_path: Path, name: str, text: str, message: str
) -> None:
    sequences = load("sequential.sequences")
    files = sequences.Files(write(tmp_path, SEQUENCES), **{name: write(tmp_path, text, "other")})
    with pytest.raises(load("sequential.task").BadFileError, match=message):
        sequences.read_task(files)


def test_only_products_of_one_day_are_shuffled(load: Load, tmp_path: Path) -> None:
    sequences = load("sequential.sequences")
    lines = {"u": [str(n) for n in range(40)]}
    days = {"u": ["1"] * 20 + ["2"] * 20}
    files = sequences.Files(tmp_path, days=tmp_path, shuffle_seed=5)
    found = sequences.shuffled_days(lines, days, files)["u"]
    assert sorted(found[:20]) == sorted(lines["u"][:20])
    assert sorted(found[20:]) == sorted(lines["u"][20:])
    assert found != lines["u"]
    assert sequences.shuffled_days(lines, days, files)["u"] == found
    apart = {"u": [str(n) for n in range(40)]}
    assert sequences.shuffled_days(lines, apart, files) == lines
    error = load("sequential.task").BadFileError
    with pytest.raises(error, match="has 1 days, but 40 items"):
        sequences.shuffled_days(lines, {"u": ["1"]}, files)
    with pytest.raises(error, match="not in order"):
        sequences.shuffled_days(lines, {"u": ["1"] * 39 + ["2"]} | {"u": ["1", "2"] * 20}, files)


def test_earlier_products_are_masked_and_equal_scores_go_by_product_id(load: Load, tmp_path: Path) -> None:
    sequences, scoring = load("sequential.sequences"), load("sequential.scoring")
    # Each product is taken once in what is learned, so popularity cannot tell them apart.
    text = "u1 p1 p9 p2\nu2 p2 p1 p4\nu3 p3 p1 p1\nu4 p4 p1 p9\n"
    task = sequences.read_task(sequences.Files(write(tmp_path, text)))
    model = load_model("popularity")
    fitted = model.fit(task.learned, model.config(half_life_days=1e6))
    assert scoring.target_ranks(fitted, task.validation, masks_history=True).tolist() == [0, 1, 1, 1]
    # u1: p2 is first but for p1, which is masked; u2: p1, p3, p4; u3's target is masked; u4's never learned.
    assert scoring.target_ranks(fitted, task.test, masks_history=True).tolist() == [1, 2, 0, 0]
    assert scoring.target_ranks(fitted, task.test, masks_history=False).tolist() == [2, 4, 1, 0]


def test_scores_of_ranks(load: Load) -> None:
    scoring = load("sequential.scoring")
    ranks = np.array([1, 2, 0, 11])
    found = scoring.means(["recall@10", "ndcg@10", "mrr@20", "recall@1"], ranks)
    assert found["recall@10"] == 0.5
    assert found["ndcg@10"] == pytest.approx((1 + 1 / np.log2(3)) / 4)
    assert found["mrr@20"] == pytest.approx((1 + 1 / 2 + 1 / 11) / 4)
    assert found["recall@1"] == 0.25


def test_intervals_over_users_and_over_seeds(load: Load) -> None:
    scoring = load("sequential.scoring")
    seeds = [np.array([1] * 40 + [0] * 60), np.array([1] * 50 + [0] * 50), np.array([1] * 60 + [0] * 40)]
    found = scoring.summary("recall@5", seeds)
    assert found["mean"] == pytest.approx(0.5)
    # Student's t with two degrees of freedom: 4.303 × 0.1 / √3.
    assert found["over_seeds"] == pytest.approx([0.5 - 0.2484, 0.5 + 0.2484], abs=1e-4)
    lower, upper = found["over_users"]
    assert 0.38 < lower < 0.45 < 0.55 < upper < 0.62
    assert scoring.summary("recall@5", seeds[:1])["over_seeds"] is None


def test_the_search_keeps_to_its_budget_and_takes_the_best_tried(load: Load) -> None:
    grids = load("sequential.grids")
    asked: list[dict[str, Any]] = []

    def judge(config: dict[str, Any]) -> float:
        asked.append(config)
        return -abs(config["x"] - 3) - abs(config["y"] - 1)

    grid, first = {"x": (0, 3, 5), "y": (0, 1)}, {"x": 0, "y": 0, "seed": 0}
    found = grids.search(grid, first, 100, judge)
    assert found[0] == {"x": 3, "y": 1, "seed": 0}
    assert len(asked) == len(found) == len({json.dumps(config) for config in asked})
    asked.clear()
    assert grids.search(grid, first, 2, judge)[0] == {"x": 3, "y": 0, "seed": 0}
    assert len(asked) == 2


def test_settings_of_the_command_line(load: Load) -> None:
    grids = load("sequential.grids")
    found = grids.read_settings(["als.factors=8,16", "als.alpha=2.5", "behavior.loss=sampled"])
    assert found == {"als": {"factors": [8, 16], "alpha": [2.5]}, "behavior": {"loss": ["sampled"]}}
    assert grids.start("als", found["als"])["factors"] == 8
    for wrong in ("als.factors", "alp.factors=8", "als=8"):
        with pytest.raises(grids.BadSettingError):
            grids.read_settings([wrong])
    with pytest.raises(grids.BadSettingError, match="factors"):
        grids.start("als", {"factor": [8]})


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.quality.sequential", str(folder / "sequences.txt")]
    command += ["--trials", "1", "--seeds", "2", "--out", str(folder / "r.json"), *more]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_what_is_finished_is_not_run_again(tmp_path: Path) -> None:
    write(tmp_path, "".join(f"u{n} {' '.join(f'p{(n + m) % 7}' for m in range(5))}\n" for n in range(20)))
    first = run(tmp_path, "--models", "popularity", "als", "--set", "als.factors=2", "als.min_customers=1")
    assert first.returncode == 0, first.stderr
    record = json.loads((tmp_path / "r.json").read_text())
    # One trial of what draws no lots, one a seed of what does.
    assert [trial["config"].get("seed") for trial in record["trials"].values()] == [None, 0, 1]
    assert record["results"]["als"]["test"]["recall@20"]["mean"] > 0
    assert record["results"]["als"]["peak_bytes"] > 10_000_000
    assert "| als | 2 |" in first.stdout
    again = run(tmp_path, "--models", "popularity", "als", "--set", "als.factors=2", "als.min_customers=1")
    assert again.stdout == first.stdout
    assert json.loads((tmp_path / "r.json").read_text())["trials"] == record["trials"]
    write(tmp_path, "u1 a b c\nu2 a b c\n")
    other = run(tmp_path, "--models", "popularity")
    assert other.returncode == 0, other.stderr
    trials = json.loads((tmp_path / "r.json").read_text())["trials"]
    assert len(trials) == len(record["trials"]) + 1


def test_what_is_wrong_is_said_without_a_traceback(tmp_path: Path) -> None:
    write(tmp_path, "u1 a b c\nu2\n")
    failed = run(tmp_path, "--models", "popularity")
    assert failed.returncode == 1
    assert "line 2" in failed.stderr
    assert "Traceback" not in failed.stderr


def alike(number: int) -> str:
    """Users keep to even or to odd products; product p is labeled by that."""
    paths = ([f"p{n % 2 + 2 * ((n * 7 + m * 3) % 12):02}" for m in range(5)] for n in range(number))
    return "".join(f"u{n} {' '.join(path)}\n" for n, path in enumerate(paths))


def test_cold_products_are_gone_from_all_but_the_test(load: Load, tmp_path: Path) -> None:
    sequences = load("sequential.sequences")
    whole = sequences.read_task(sequences.Files(write(tmp_path, alike(200))))
    files = sequences.Files(tmp_path / "sequences.txt", cold_share=0.25)
    task = sequences.read_task(files)
    cold = set(task.cold)
    assert len(cold) == 6
    for frame in (task.learned, task.later, task.validation.histories, task.test.histories):
        assert not frame.filter(pl.col("product_id").is_in(list(cold))).height
    assert set(task.test.targets["product_id"]) <= cold
    assert pairs(task.test.targets) <= pairs(whole.test.targets)
    assert set(task.test.targets["customer_id"]) <= set(task.test.histories["customer_id"])
    other = sequences.Files(tmp_path / "sequences.txt", cold_share=0.25, cold_seed=1)
    assert files.hash() != other.hash()
    assert set(sequences.read_task(other).cold) != cold


def test_what_is_told_of_cold_products_ranks_them_above_chance(tmp_path: Path) -> None:
    write(tmp_path, alike(200))
    labels = {f"p{n:02}": [n % 2] for n in range(24)}
    (tmp_path / "a.json").write_text(json.dumps(labels), encoding="utf-8")
    told = ["--attributes", str(tmp_path / "a.json"), "--cold-share", "0.25"]
    done = run(tmp_path, *told, "--models", "popularity", "content")
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "r.json").read_text())["results"]
    found = {name: result["cold"]["mrr@6"] for name, result in results.items()}
    assert found["content"]["over_users"][0] > found["content"]["chance"]
    assert found["content"]["mean"] > found["content"]["popularity_of_labels"]
    assert found["popularity"]["mean"] == 0
    assert "| chance | 0.4083 |" in done.stdout


def test_parts_are_judged_one_by_one(tmp_path: Path) -> None:
    write(tmp_path, alike(120))
    command = [
        sys.executable,
        "-m",
        "benchmarks.quality.sequential.ablation",
        str(tmp_path / "sequences.txt"),
    ]
    command += ["--variants", "width 64", "--seeds", "1", "--jobs", "2", "--out", str(tmp_path / "r.json")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "r.json").read_text())["variants"]
    assert list(found) == ["the model alone", "width 64"]
    assert found["the model alone"]["less_alone"]["ndcg@10"] == [0, 0, 0]
    mean = found["width 64"]["test"]["ndcg@10"]["mean"] - found["the model alone"]["test"]["ndcg@10"]["mean"]
    assert found["width 64"]["less_alone"]["ndcg@10"][0] == pytest.approx(mean)
    assert "| width 64 |" in done.stdout
