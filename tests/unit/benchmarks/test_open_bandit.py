"""The benchmark on a wheel made here, of obp's layout, with clicks known by construction."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
Load = Callable[[str], ModuleType]
PRIORS = "all:\n  alpha:\n    - 2.0\n    - 8.0\n    - 5.0\n  beta:\n    - 40.0\n    - 60.0\n    - 90.0\n"
RATES = np.array([0.3, 0.6, 0.1])


def log(chances: np.ndarray, rows: int, seed: int) -> str:
    """`chances`: by action and place."""
    random = np.random.default_rng(seed)
    lines = [",timestamp,item_id,position,click,propensity_score,user_feature_0"]
    for row in range(rows):
        place = int(random.integers(2))
        action = int(random.choice(3, p=chances[:, place]))
        clicked = int(random.random() < RATES[action])
        lines.append(
            f"{row},2019-11-24 00:00:{row:06d},{action},{place + 1},{clicked},{chances[action, place]},x"
        )
    return "\n".join(lines)


def make_wheel(path: Path, chances: np.ndarray, priors: str = PRIORS) -> Path:
    with ZipFile(path, "w") as wheel:
        wheel.writestr("obp/policy/conf/prior_bts.yaml", priors)
        wheel.writestr("obp/dataset/obd/random/all/all.csv", log(np.full((3, 2), 1 / 3), 4_000, 1))
        wheel.writestr("obp/dataset/obd/bts/all/all.csv", log(chances, 4_000, 2))
    return path


def test_places_are_taken_as_often_as_in_many_draws(load: Load) -> None:
    alpha, beta = np.array([2.0, 8.0, 5.0, 300.0]), np.array([40.0, 60.0, 90.0, 6_000.0])
    found = load("open_bandit.thompson_ranks").rank_chances(alpha, beta, 3)
    draws = np.random.default_rng(1).beta(alpha, beta, size=(100_000, 4)).argsort(axis=1)[:, ::-1]
    often = np.stack([np.bincount(draws[:, place], minlength=4) for place in range(3)], axis=1) / 100_000
    assert np.abs(found - often).max() < 4 * 0.5 / 100_000**0.5
    assert found.sum(axis=0) == pytest.approx(np.ones(3))


def test_the_estimates_find_the_policy_s_own_value(load: Load, tmp_path: Path) -> None:
    priors = load("open_bandit.wheel").read_priors(PRIORS, "all")
    chances = load("open_bandit.thompson_ranks").rank_chances(*priors, 2)
    wheel, out = make_wheel(tmp_path / "obp.whl", chances), tmp_path / "out.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.quality.open_bandit", "--wheel", wheel, "--out", out],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(out.read_text(encoding="utf-8"))
    truth = float((chances * RATES[:, None]).sum(axis=0).mean())
    assert record["rows"] == {"random": 4_000, "bts": 4_000}
    assert record["on_policy"]["value"] == pytest.approx(truth, abs=0.03)
    for estimate in record["estimates"].values():
        assert estimate["value"] == pytest.approx(truth, abs=0.05)
        assert estimate["intervals"]["gamma"]["holds"]
    assert record["median_factor_between_logged_and_prior_propensity"] == pytest.approx(1)
    assert record["machine"]["processor"]


def test_intervals_are_tested_on_made_up_logs(load: Load, tmp_path: Path) -> None:
    data = load("open_bandit.wheel").read_wheel(make_wheel(tmp_path / "w.whl", np.full((3, 2), 1 / 3)), "all")
    found = load("open_bandit.estimates").coverage(data, repeats=3, scale=1.0, seed=1)
    assert found["clicks"] == pytest.approx(4_000 * np.mean([2 / 42, 8 / 68, 5 / 95]))
    assert found["intervals"]["ips bernstein"]["holds"] == 1


@pytest.mark.parametrize(
    ("priors", "says"),
    [
        (PRIORS.replace("- 40.0", "- !!python/object"), "neither a name nor a number"),
        (PRIORS.replace("    - 40.0\n", ""), "as many alpha as beta"),
        (PRIORS.replace("all:", "men:"), "as many alpha as beta"),
    ],
)
def test_settings_of_another_shape_are_refused(load: Load, tmp_path: Path, priors: str, says: str) -> None:
    module = load("open_bandit.wheel")
    with pytest.raises(module.BadWheelError, match=says):
        module.read_wheel(make_wheel(tmp_path / "obp.whl", np.full((3, 2), 1 / 3), priors), "all")


def test_a_file_that_is_no_such_wheel_says_where_to_get_it(load: Load, tmp_path: Path) -> None:
    module = load("open_bandit.wheel")
    (tmp_path / "not.whl").write_text("no zip", encoding="utf-8")
    for path in (tmp_path / "not.whl", tmp_path / "none.whl"):
        with pytest.raises(module.BadWheelError, match="pip download"):
            module.read_wheel(path, "all")
