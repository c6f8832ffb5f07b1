"""The small Open Bandit logs, read out of the wheel of `obp` as it is: nothing of it is installed or run.

Source: Saito, Aihara, Matsutani and Narita, Open Bandit Dataset and Pipeline, NeurIPS 2021 (Datasets).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
import polars as pl
from numpy.typing import NDArray

PRIORS = "obp/policy/conf/prior_bts.yaml"
COLUMNS = ["timestamp", "item_id", "position", "click", "propensity_score"]
Floats = NDArray[np.float64]


class BadWheelError(Exception):
    """The wheel does not hold what it should, and where."""


@dataclass(frozen=True)
class OpenBandit:
    """Both policies' logs of a campaign: timestamp, action (from 0), position (from 1), reward, propensity.
    The priors of Bernoulli Thompson sampling when the logs begin: `alpha`, `beta`, by action."""

    random: pl.DataFrame
    bts: pl.DataFrame
    alpha: Floats
    beta: Floats


def read_wheel(path: Path, campaign: str) -> OpenBandit:
    """`path`: obp-0.4.1-py3-none-any.whl. Raises BadWheelError."""
    try:
        with ZipFile(path) as wheel:
            alpha, beta = read_priors(wheel.read(PRIORS).decode(), campaign)
            logs = {
                policy: _read_log(wheel.read(f"obp/dataset/obd/{policy}/{campaign}/{campaign}.csv"))
                for policy in ("random", "bts")
            }
    except (OSError, BadZipFile, KeyError, pl.exceptions.PolarsError) as error:
        raise BadWheelError(f"{path}: {error}. Get it by: pip download --no-deps obp==0.4.1") from error
    for policy, log in logs.items():
        if log.is_empty() or not log["action"].is_between(0, len(alpha) - 1).all():
            raise BadWheelError(
                f"{path}: the log of {policy} names actions that have no prior, or none at all"
            )
    return OpenBandit(logs["random"], logs["bts"], alpha, beta)


def _read_log(content: bytes) -> pl.DataFrame:
    return (
        pl.read_csv(content, columns=COLUMNS)
        .rename({"item_id": "action", "click": "reward", "propensity_score": "propensity"})
        .sort("timestamp", maintain_order=True)
    )


def read_priors(text: str, campaign: str) -> tuple[Floats, Floats]:
    """The one shape this file has: campaign, alpha or beta, a number a line. It takes no YAML library."""
    found: dict[tuple[str, str], list[float]] = {}
    at = ("", "")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if match := re.fullmatch(r"(\w+):\s*", line):
            at = (match[1], "")
        elif match := re.fullmatch(r"\s+(alpha|beta):\s*", line):
            at = (at[0], match[1])
        elif match := re.fullmatch(r"\s+- (\d+(?:\.\d+)?)\s*", line):
            found.setdefault(at, []).append(float(match[1]))
        else:
            raise BadWheelError(f"{PRIORS}: line {number} is neither a name nor a number")
    alpha, beta = (np.array(found.get((campaign, name), [])) for name in ("alpha", "beta"))
    if not len(alpha) or alpha.shape != beta.shape or not (np.minimum(alpha, beta) > 0).all():
        raise BadWheelError(f"{PRIORS}: '{campaign}' needs as many alpha as beta, all above 0")
    return alpha, beta
