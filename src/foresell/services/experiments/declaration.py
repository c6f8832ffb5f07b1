"""What an experiment is: its variants, who takes part, and what is measured."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from foresell.contracts.errors import InputError
from foresell.contracts.section import Section
from foresell.contracts.settings import read_toml

Metric = Literal["revenue", "conversion", "orders", "units", "clicks"]
METRICS: tuple[Metric, ...] = ("revenue", "conversion", "orders", "units", "clicks")
NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"


class Variant(Section):
    """What is left out is as in production. `model`: a version of the recommender; `rules`: a version of the
    rules, 0 for none; the rest as in `[recommend]` of the settings."""

    name: str = Field(pattern=NAME)
    share: float = Field(gt=0, le=1)
    model: str | None = Field(None, pattern=r"^[0-9]{4,9}$")
    rules: int | None = Field(None, ge=0)
    diversity: float | None = Field(None, ge=0)
    novelty: float | None = Field(None, ge=0)
    calibration: float | None = Field(None, ge=0)
    exploration: Literal["none", "epsilon", "thompson"] | None = None
    epsilon: float | None = Field(None, ge=0, le=1)

    @property
    def changes(self) -> dict[str, Any]:
        """What is other than in production."""
        return self.model_dump(exclude={"name", "share"}, exclude_none=True)


class Declaration(Section):
    """`variants`: the first is the control; shares of those who take part add up to 1. `traffic`: the share
    of customers who take part. `window_days`: for so long after the first showing a customer is measured;
    `before_days`: for so long before it, so that their past can be taken out. `minimum_effect`: the smallest
    difference worth finding, as a share of the control's mean."""

    name: str = Field(pattern=NAME)
    hypothesis: str = ""
    surfaces: tuple[str, ...] = ("customer",)
    traffic: float = Field(1.0, gt=0, le=1)
    metric: Metric = "revenue"
    guardrails: tuple[Metric, ...] = ()
    window_days: float = Field(7.0, gt=0, le=366)
    before_days: float = Field(28.0, gt=0, le=366)
    minimum_effect: float = Field(0.05, gt=0)
    level: float = Field(0.05, gt=0, lt=0.5)
    power: float = Field(0.8, gt=0.5, lt=1)
    variants: tuple[Variant, ...] = Field(min_length=2, max_length=10)

    @model_validator(mode="after")
    def _is_whole(self) -> "Declaration":
        from foresell.predict.recommend.rules import SURFACES

        names = [one.name for one in self.variants]
        if len(set(names)) < len(names):
            raise ValueError("two variants have the same name")
        if abs(sum(one.share for one in self.variants) - 1) > 1e-6:
            raise ValueError("the shares of the variants do not add up to 1")
        if unknown := [one for one in self.surfaces if one not in SURFACES]:
            raise ValueError(f"there is no surface '{unknown[0]}': {', '.join(SURFACES)}")
        if self.metric in self.guardrails:
            raise ValueError("the metric that decides is no guardrail of itself")
        return self

    @property
    def control(self) -> Variant:
        return self.variants[0]

    @property
    def measured(self) -> tuple[Metric, ...]:
        """The metric that decides, then the guardrails."""
        return (self.metric, *dict.fromkeys(self.guardrails))


def read_declaration(path: Path) -> Declaration:
    """From a TOML file: [experiment], and [[variant]] for each, the control first. InputError says what is
    wrong."""
    tree = read_toml(path)
    if unknown := set(tree) - {"experiment", "variant"}:
        raise InputError(
            f"{path}: there is no section [{sorted(unknown)[0]}]", do="Give [experiment] and [[variant]]."
        )
    return make_declaration({**tree.get("experiment", {}), "variants": tree.get("variant", [])}, str(path))


def make_declaration(tree: dict[str, Any], where: str = "experiment") -> Declaration:
    """InputError names the key."""
    try:
        return Declaration.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{where}: {key or 'the declaration'} cannot be used: "
            f"{first['msg'].removeprefix('Value error, ')}",
            received=repr(first["input"])[:100] if key else None,
            do="Correct it; docs/experiments.md explains every key.",
        ) from error
