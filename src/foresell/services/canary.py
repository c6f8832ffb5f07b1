"""The trial of a model before it serves: it can be read again, answers a probe within bounds, and is no worse
on validation data than what is in production.

Worse: its 95% interval lies wholly on the worse side of that of the model in production, both judged on the
same windows of this fit; where that model was not judged again, of the interval from when it was fitted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import ConflictError, ForesellError
from foresell.services.results import read_results
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from foresell.store.models import Artifact

VALIDATION = "validation"
# A saved model is given to it as serving would read it; it raises a ForesellError where it may not serve.
Probe = Callable[["Artifact"], None]
MOST_PROBED = 64


class CanaryError(ConflictError):
    """A model failed its trial; the one before goes on."""


@dataclass(frozen=True)
class Judged:
    """How the models of this fit did: rows of the `leaderboard`; which is to serve, by which score it was
    chosen. `probe`: None where nothing can be asked of it yet."""

    board: "pl.DataFrame"
    model: str
    metric: str
    is_higher_better: bool
    probe: Probe | None = None


@dataclass(frozen=True)
class _Score:
    model: str
    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.lower:.4f}, {self.upper:.4f}]"

    def is_worse(self, other: "_Score", *, is_higher_better: bool) -> bool:
        return self.upper < other.lower if is_higher_better else self.lower > other.upper


def try_out(shop: Shop, candidate: "Artifact", judged: Judged) -> None:
    """CanaryError says why a candidate may not serve."""
    before = _in_production(shop, candidate.name)
    goes_on = "Nothing is in production." if before is None else f"Version {before.version} goes on."
    reason = _probed(candidate, judged.probe) or _worse(shop, candidate.name, before, judged)
    if reason is not None:
        raise CanaryError(
            f"{candidate.label} failed its canary check: {reason}",
            do=f"{goes_on} The candidate is kept; look at its scores, and at what was imported last.",
        )


def _in_production(shop: Shop, name: str) -> "Artifact | None":
    """None also where it cannot be read any more: whatever works is better."""
    from foresell.services.production import in_production

    try:
        return in_production(shop, name)
    except ForesellError:
        return None


def _probed(candidate: "Artifact", probe: Probe | None) -> str | None:
    if probe is None:
        return None
    try:
        probe(candidate)
    except ForesellError as error:
        return error.what
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return f"it fails when it is asked ({type(error).__name__})"
    return None


def _worse(shop: Shop, name: str, before: "Artifact | None", judged: Judged) -> str | None:
    own = _score(judged.board, judged.model, judged.metric)
    if before is None or own is None:
        return None
    champion = _champion(shop, name, before, judged.metric)
    if champion is None:
        return None
    again = _score(judged.board, champion.model, judged.metric)
    rival, where = (again, "on the same windows") if again else (champion, "when it was fitted")
    if not own.is_worse(rival, is_higher_better=judged.is_higher_better):
        return None
    return f"{judged.metric} on validation is {own}; of {rival.model}, in production, {rival} {where}"


def _champion(shop: Shop, name: str, before: "Artifact", metric: str) -> _Score | None:
    """What is in production, by the leaderboard of when it was fitted. None: that is not known any more."""
    import polars as pl

    value = before.scores.get(VALIDATION, {}).get(metric)
    if value is None:
        return None
    board = read_results(shop, "leaderboard").filter(pl.col("task") == name)
    found = _rows(board, metric).filter((pl.col("value") - value).abs() < 1e-12)
    return None if found.is_empty() else _as_score(found.row(0, named=True))


def _score(board: "pl.DataFrame", model: str, metric: str) -> _Score | None:
    import polars as pl

    found = _rows(board, metric).filter(pl.col("model") == model)
    return None if found.is_empty() else _as_score(found.row(0, named=True))


def _rows(board: "pl.DataFrame", metric: str) -> "pl.DataFrame":
    """Of a score with an interval, on validation."""
    import polars as pl

    is_told = (pl.col("split") == VALIDATION) & (pl.col("score") == metric)
    return board.filter(is_told & pl.col("lower").is_not_null() & pl.col("upper").is_not_null())


def _as_score(row: dict[str, Any]) -> _Score:
    return _Score(str(row["model"]), float(row["value"]), float(row["lower"]), float(row["upper"]))


def require_sane(
    values: "NDArray[Any]", what: str, lowest: float = -float("inf"), highest: float = float("inf")
) -> None:
    """ConflictError where an answer is empty, no number, or out of bounds."""
    import numpy as np

    if not len(values):
        raise ConflictError(f"it gives no {what}")
    if not np.isfinite(values).all():
        raise ConflictError(f"it gives {what} that are no numbers")
    least, most = float(values.min()), float(values.max())
    if least < lowest or most > highest:
        bounds = " to ".join(f"{one:g}" if isfinite(one) else "any" for one in (lowest, highest))
        raise ConflictError(f"it gives {what} from {least:g} to {most:g}, where {bounds} is possible")
