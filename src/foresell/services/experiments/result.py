"""What an experiment found so far: who took part, whether divided as meant, what each variant did."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from foresell.contracts.errors import ConflictError
from foresell.services.experiments.declaration import Declaration
from foresell.services.experiments.exposing import NAME, TARGET
from foresell.services.experiments.running import Experiment, find_experiment
from foresell.services.shop import Shop
from foresell.store.alerts import Condition

if TYPE_CHECKING:
    import polars as pl

    from foresell.contracts.protocols import Tables
    from foresell.evaluation.experiments import Compared

Verdict = Literal["better", "worse", "no_difference", "open"]
RATIO_LEVEL = 0.01
MONEY = "revenue"
KINDS = ("experiment.sample_ratio", "experiment.guardrail", "experiment.not_shown")


@dataclass(frozen=True, slots=True)
class Finding:
    """One variant against the control by one metric. `raw` and `adjusted` (CUPED): with intervals that stay
    valid however often one looks. `reduction`: of the variance by CUPED. `verdict`: of the adjusted
    interval; no_difference: it lies within the smallest difference worth finding."""

    metric: str
    variant: str
    is_guardrail: bool
    raw: "Compared"
    adjusted: "Compared"
    reduction: float
    verdict: Verdict

    def as_record(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "variant": self.variant,
            "is_guardrail": self.is_guardrail,
            "verdict": self.verdict,
            "raw": _compared(self.raw),
            "adjusted": _compared(self.adjusted),
            "variance_reduction": self.reduction,
        }

    def money(self) -> tuple[float, float, float] | None:
        """What the variant brought beside the control, of those measured, with its interval; None where the
        metric is no money or nothing is known."""
        found = self.adjusted.difference
        if self.metric != MONEY or not isfinite(found.lower):
            return None
        number = self.adjusted.num_variant
        return found.value * number, found.lower * number, found.upper * number


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """`exposed`: variant → customers shown it; `measured`: of them, those whose window is over. `ratio_p`:
    below RATIO_LEVEL they were not divided as meant, and nothing here is to be trusted. `num_crossed`:
    customers found to be one who saw several variants; they are left out. `level`: of each interval."""

    experiment: Experiment
    exposed: dict[str, int]
    measured: dict[str, int]
    num_crossed: int
    ratio_p: float
    level: float
    findings: tuple[Finding, ...]
    made_at: datetime

    @property
    def is_divided_as_meant(self) -> bool:
        return self.ratio_p >= RATIO_LEVEL

    def as_record(self) -> dict[str, Any]:
        """JSON-ready; a bound that is not known is null."""
        findings = []
        for one in self.findings:
            money = one.money()
            told = None if money is None else dict(zip(("value", "lower", "upper"), money, strict=True))
            findings.append({**one.as_record(), "money": told})
        return {
            **self.experiment.as_record(),
            "exposed": self.exposed,
            "measured": self.measured,
            "crossed": self.num_crossed,
            "sample_ratio_p": self.ratio_p,
            "is_divided_as_meant": self.is_divided_as_meant,
            "level": self.level,
            "findings": findings,
            "made_at": self.made_at.isoformat(),
        }


def experiment_result(shop: Shop, name: str) -> ExperimentResult:
    """By what is known now, exposures that were not moved yet included; nothing is written. NotFoundError for
    one that was not declared, ConflictError for one that never ran."""
    found = find_experiment(shop, name)
    if found.plan is None:
        raise ConflictError(f"The experiment '{name}' has not run", do=f"foresell experiment start {name}")
    with shop.reading_matched() as tables:
        return _result(shop, tables, found)


def _result(shop: Shop, tables: "Tables", experiment: Experiment) -> ExperimentResult:
    import polars as pl

    from foresell.evaluation.experiments import sample_ratio_p
    from foresell.services.experiments.outcomes import known_until, measured

    declaration = experiment.declaration
    people, num_crossed = _exposed(tables, declaration)
    exposed = _counts(people, declaration)
    window = timedelta(days=declaration.window_days)
    until = known_until(tables, declaration.measured)
    done = people.filter(pl.lit(value=False) if until is None else pl.col("at") + window <= until)
    before = timedelta(days=declaration.before_days)
    told = measured(tables, shop.settings, done, declaration.measured, after=window, before=before)
    plan = experiment.plan or {}
    findings = tuple(
        _finding(told, declaration, planned, variant.name, plan["level"])
        for planned in plan["metrics"]
        for variant in declaration.variants[1:]
    )
    return ExperimentResult(
        experiment=experiment,
        exposed=exposed,
        measured=_counts(done, declaration),
        num_crossed=num_crossed,
        ratio_p=sample_ratio_p(list(exposed.values()), [one.share for one in declaration.variants]),
        level=plan["level"],
        findings=findings,
        made_at=datetime.now(UTC),
    )


def _exposed(tables: "Tables", declaration: Declaration) -> "tuple[pl.DataFrame, int]":
    """customer_id, at, variant: of everybody the first; and how many saw several variants."""
    import polars as pl

    # What was logged lately is not in the table yet; who is in both saw the same.
    found = pl.concat([_shown(tables, source, declaration.name) for source in (TARGET, NAME)])
    each = found.group_by("customer_id").agg(
        pl.col("at").min(), pl.col("variant").first(), num=pl.col("variant").n_unique()
    )
    one = each.filter(pl.col("num") == 1).drop("num").sort("at", "customer_id")
    return one, each.height - one.height


def _shown(tables: "Tables", source: str, experiment: str) -> "pl.DataFrame":
    import polars as pl

    rows = tables.current(source)
    rows = rows.filter(rows.experiment_id == experiment, rows.customer_id.notnull())
    found: pl.DataFrame = rows.select("customer_id", "variant", at="occurred_at").to_polars()
    at = pl.col("at")
    if not getattr(found.schema["at"], "time_zone", None):
        at = at.dt.replace_time_zone("UTC")
    return found.with_columns(at.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC")))


def _counts(people: "pl.DataFrame", declaration: Declaration) -> dict[str, int]:
    told = dict(people.group_by("variant").len().iter_rows())
    return {variant.name: int(told.get(variant.name, 0)) for variant in declaration.variants}


def _finding(
    told: "pl.DataFrame", declaration: Declaration, planned: dict[str, Any], variant: str, level: float
) -> Finding:
    import polars as pl

    from foresell.evaluation.experiments import compare_arms, cuped
    from foresell.services.experiments.outcomes import BEFORE

    metric = planned["metric"]
    # Numbers of arms, so that what is taken out is learned within each.
    adjusted = (
        cuped(told[metric], told[f"{metric}{BEFORE}"], told["variant"].to_list()) if told.height else None
    )
    values = told.with_columns(adjusted=pl.Series(adjusted.values) if adjusted is not None else pl.lit(0.0))

    def compared(column: str, reduction: float = 0.0) -> "Compared":
        arms = [
            values.filter(pl.col("variant") == name)[column].to_numpy()
            for name in (declaration.control.name, variant)
        ]
        # Less variance is as if more customers had been planned for.
        mixture = planned["mixture_variance"] * max(1 - reduction, 1e-6)
        return compare_arms(arms[0], arms[1], mixture, level=level)

    raw = compared(metric)
    reduction = adjusted.reduction if adjusted is not None else 0.0
    best = compared("adjusted", planned["reduction"]) if adjusted is not None else raw
    return Finding(
        metric,
        variant,
        metric != declaration.metric,
        raw,
        best,
        reduction,
        _verdict(best, declaration.minimum_effect * planned["mean"]),
    )


def _verdict(found: "Compared", smallest: float) -> Verdict:
    interval = found.difference
    if interval.lower > 0:
        return "better"
    if interval.upper < 0:
        return "worse"
    return "no_difference" if -smallest < interval.lower and interval.upper < smallest else "open"


def _compared(found: "Compared") -> dict[str, Any]:
    record = asdict(found)
    record["difference"] = {
        name: value if isfinite(value) else None for name, value in record["difference"].items()
    }
    told = {name: None if isinstance(v, float) and not isfinite(v) else v for name, v in record.items()}
    return told | {"relative": found.relative if isfinite(found.relative) else None}


def experiment_conditions(result: ExperimentResult) -> list[Condition]:
    """What somebody should look at: customers divided otherwise than meant, a guardrail that is harmed."""
    name = result.experiment.name
    found = []
    if not result.is_divided_as_meant:
        counts = ", ".join(f"{variant} {number:,}" for variant, number in result.exposed.items())
        found.append(
            Condition(
                KINDS[0],
                name,
                "error",
                f"Experiment '{name}' does not divide customers as declared: {counts}",
                "Trust none of its results: look for variants that fail, and for exposures that are lost.",
                f"实验“{name}”的分流与声明不符：{counts}",
                "其结果均不可信：请检查是否有变体出错，或曝光记录丢失。",
                {"sample_ratio_p": result.ratio_p, "exposed": result.exposed},
            )
        )
    for one in result.findings:
        if one.is_guardrail and one.verdict == "worse":
            change = one.adjusted.relative
            found.append(
                Condition(
                    KINDS[1],
                    f"{name}: {one.variant}: {one.metric}",
                    "error",
                    f"Experiment '{name}': '{one.variant}' lowers {one.metric} by {-change:.1%}",
                    f"Stop it: foresell experiment stop {name}",
                    f"实验“{name}”：“{one.variant}”使 {one.metric} 下降 {-change:.1%}",
                    f"请停止实验：foresell experiment stop {name}",
                    one.as_record(),
                )
            )
    return found
