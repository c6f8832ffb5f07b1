"""What each feature adds to a prediction, starting from what the model says of nobody in particular."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from foresell.contracts.errors import InputError
from foresell.explain.feature_groups import FeatureGroup

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """Of n predictions and F features or groups of them.

    names    (F) what contributes
    base     (n,) where each prediction starts from
    values   (n, F) what each adds; base + their sum is the prediction
    errors   (n, F) standard errors of `values`; None: they are exact

    All in one unit: the model's margin (log-odds), or probabilities, money, days. A contribution says how
    the model comes to its answer; it is no cause, and changing the feature need not change the customer.
    """

    names: tuple[str, ...]
    base: Floats
    values: Floats
    errors: Floats | None = None

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.base), len(self.names)):
            raise InputError(
                "Contributions must have a row a prediction and a column a feature",
                received=f"{self.values.shape} for {len(self.base)} predictions, {len(self.names)} features",
            )

    def __len__(self) -> int:
        return len(self.base)

    @property
    def predictions(self) -> Floats:
        """(n,) base + all contributions."""
        return np.asarray(self.base + self.values.sum(axis=1))

    def grouped(self, groups: Sequence[FeatureGroup]) -> "Contributions":
        """The same by group: contributions add up. Standard errors add up too (the worst case).

        Raises InputError where a group has a feature that does not contribute here.
        """
        places = {name: place for place, name in enumerate(self.names)}
        chosen = np.zeros((len(self.names), len(groups)))
        for place, group in enumerate(groups):
            for name in group.columns:
                if name not in places:
                    raise InputError(f"Nothing is known of what '{name}' adds", do="Group what contributes.")
                chosen[places[name], place] = 1.0
        return replace(
            self,
            names=tuple(group.name for group in groups),
            values=self.values @ chosen,
            errors=None if self.errors is None else self.errors @ chosen,
        )

    def through(self, link: Callable[[Floats], Floats]) -> "Contributions":
        """The same in the unit that `link` gives, such as probabilities of margins.

        `link` must not fall anywhere and may have steps (a sigmoid, an isotonic calibration). What all that
        raises and all that lowers bring together is shared among the two as a game of two players, and
        within each in proportion; so signs stay, everything still adds up, and two large contributions that
        cancel do not blow up. Source: Shrikumar, Greenside and Kundaje, ICML 2017, the RevealCancel rule.
        """
        raised = np.clip(self.values, 0.0, None).sum(axis=1)
        lowered = np.clip(self.values, None, 0.0).sum(axis=1)
        start, end = link(self.base), link(self.base + raised + lowered)
        up, down = link(self.base + raised), link(self.base + lowered)
        gain = ((up - start) + (end - down)) / 2
        loss = ((down - start) + (end - up)) / 2
        by_gain = np.divide(gain, raised, out=np.zeros_like(gain), where=raised > 0)
        by_loss = np.divide(loss, lowered, out=np.zeros_like(loss), where=lowered < 0)
        factors = np.where(self.values > 0, by_gain[:, None], by_loss[:, None])
        errors = None if self.errors is None else self.errors * factors
        return replace(self, base=np.asarray(start), values=self.values * factors, errors=errors)

    def take(self, rows: "NDArray[np.int64] | NDArray[np.bool_]") -> "Contributions":
        errors = None if self.errors is None else self.errors[rows]
        return replace(self, base=self.base[rows], values=self.values[rows], errors=errors)

    def top(self, most: int) -> NDArray[np.int64]:
        """(n, min(most, F)) places in `names`, the largest contribution in size first; equal ones: the
        earlier name first."""
        return np.argsort(-np.abs(self.values), axis=1, kind="stable")[:, :most]

    def as_record(self, row: int, *, most: int | None = None) -> dict[str, Any]:
        """One prediction, JSON-ready: base, prediction, contributions (name, adds, error), largest first."""
        parts = []
        for place in self.top(len(self.names) if most is None else most)[row]:
            part: dict[str, Any] = {"name": self.names[place], "adds": float(self.values[row, place])}
            if self.errors is not None:
                part["error"] = float(self.errors[row, place])
            parts.append(part)
        return {
            "base": float(self.base[row]),
            "prediction": float(self.base[row] + self.values[row].sum()),
            "contributions": parts,
        }

    def reasons(self, most: int = 3, digits: int = 4) -> pl.Series:
        """(n) JSON texts for the column `reasons` of scores: [{"feature": …, "adds": …}, …], as `top`.

        What rounds to 0 is no reason and is left out.
        """
        places = self.top(most)
        adds = np.take_along_axis(self.values, places, axis=1).round(digits)
        names = np.array(self.names, dtype=object)
        flat = pl.DataFrame(
            {
                "row": np.repeat(np.arange(len(self)), places.shape[1]),
                "feature": pl.Series(names[places.ravel()], dtype=pl.String),
                "adds": adds.ravel(),
            }
        ).filter(pl.col("adds") != 0)
        texts = flat.group_by("row").agg(
            reasons=pl.struct("feature", "adds").struct.json_encode().str.join(",")
        )
        rows = pl.DataFrame({"row": np.arange(len(self))}).join(
            texts, on="row", how="left", maintain_order="left"
        )
        inside = rows["reasons"].fill_null("")
        return ("[" + inside + "]").alias("reasons")


def tree_contributions(array: ArrayLike, names: Sequence[str]) -> Contributions:
    """Exact contributions of trees, in the model's margin: what LightGBM gives for `pred_contrib`.

    `array`: (n, F + 1), the last column the base. Source: Lundberg et al., Nature Machine Intelligence 2,
    2020 (path-dependent TreeSHAP: absent features are taken as the training rows of each node had them).
    Raises InputError for another width or for numbers that are none.
    """
    numbers = np.asarray(array, dtype=np.float64)
    if numbers.ndim != 2 or numbers.shape[1] != len(names) + 1 or not np.isfinite(numbers).all():
        raise InputError(
            "Contributions of trees have a column for each feature and one for the base",
            received=f"{numbers.shape} for {len(names)} features",
            do="Give the finite array of pred_contrib, of one class.",
        )
    return Contributions(tuple(names), numbers[:, -1].copy(), numbers[:, :-1].copy())


def linear_contributions(
    coefficients: ArrayLike, intercept: float, columns: ArrayLike, means: ArrayLike, names: Sequence[str]
) -> Contributions:
    """Exact Shapley values of a linear margin for independent features: coefficient · (value − mean).

    `columns`: (n, F) as the model multiplies them (scaled, one-hot), `means`: (F,) of the background.
    """
    weights, middle = np.asarray(coefficients, np.float64), np.asarray(means, np.float64)
    numbers = np.asarray(columns, np.float64)
    base = np.full(len(numbers), intercept + float(weights @ middle))
    return Contributions(tuple(names), base, (numbers - middle) * weights)


def averaged(parts: Sequence[Contributions]) -> Contributions:
    """Of a mean of models (bags), in the unit in which the mean is taken: the means of theirs.

    Standard errors are left out. Raises InputError for none, or parts of other features.
    """
    if not parts or len({part.names for part in parts}) > 1:
        raise InputError(
            "Only contributions of the same features can be averaged", received=f"{len(parts)} parts"
        )
    base = np.mean([part.base for part in parts], axis=0)
    values = np.mean([part.values for part in parts], axis=0)
    return Contributions(parts[0].names, np.asarray(base), np.asarray(values))
