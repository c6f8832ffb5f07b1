"""Why a task's model says of one customer what it says, in sentences, and what would change it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foresell.services.customers.predict import cutoff_of, refuse_sessions, refuse_unknown
from foresell.services.customers.tasks import load_fitted, load_task
from foresell.services.customers.vectors import with_vectors
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars

    from foresell.explain.contributions import Contributions
    from foresell.explain.counterfactual import Counterfactual
    from foresell.explain.feature_groups import FeatureGroup
    from foresell.explain.reason_text import Reason, Subject
    from foresell.explain.value_text import Language
    from foresell.predict.customers.fitted import FittedTask
    from foresell.predict.customers.task import Task

# Customers that the one asked for is compared with.
BACKGROUND = 100
NEIGHBORS_AMONG = 2_000
MOST_REASONS = 6
# Fewer are enough to tell which window of one thing says most.
SINGLY_BACKGROUND = 40


@dataclass(frozen=True)
class Explained:
    """`usual`: the mean of what the model says of the customers compared with; all reasons, the hidden ones
    included, add up from there to `score`. `change`: None without a threshold."""

    task: str
    question: str
    question_zh: str
    currency: str
    model: str
    customer_id: str
    cutoff_at: datetime
    subject: "Subject"
    score: float
    usual: float
    is_chosen: bool | None
    reasons: "tuple[Reason, ...]"
    change: "Counterfactual | None"
    note: str

    def as_lines(self, language: "Language") -> list[str]:
        """What a person reads: the score, why, and what would change it."""
        from foresell.services.customers.explained_words import explained_lines

        return explained_lines(self, language)

    def as_record(self) -> dict[str, object]:
        return {
            "task": self.task,
            "question": self.question,
            "model": self.model,
            "customer_id": self.customer_id,
            "cutoff_at": self.cutoff_at.isoformat(),
            "unit": self.currency if self.subject.unit == "money" else self.subject.unit,
            "score": self.score,
            "usual": self.usual,
            "is_chosen": self.is_chosen,
            "reasons": [reason.as_record() for reason in self.reasons],
            "change": None if self.change is None else self.change.as_record(),
            "note": self.note,
        }


def explain_customer(
    shop: Shop, name: str, customer_id: str, of: str | None = None, *, as_of: datetime | None = None
) -> Explained:
    """What raised and lowered the score of a customer, in its unit; and the smallest change of what the shop
    could change that takes it across the threshold.

    Exact where the model is trees (`predict.customers.explained`), else sampled against others of the
    population (`explain.shapley`). Errors: as `predict_customers`.
    """
    import polars as pl

    from foresell.features.spec import spec_of
    from foresell.predict.customers.training import scoring_features

    fitted, task, label = load_task(shop, name, of)
    refuse_sessions(task)
    with shop.reading_matched() as tables:
        refuse_unknown(tables, [customer_id])
        cutoff = cutoff_of(tables, task, as_of)
        spec = spec_of(fitted.spec)
        keys, features, _ = scoring_features(tables, shop.settings, task, spec, cutoff)
        others = with_vectors(shop, tables, fitted, label, keys, features)
        place = keys["entity_id"].index_of(customer_id)
        if place is None:
            keys, row, _ = scoring_features(tables, shop.settings, task, spec, cutoff, [customer_id])
            row = with_vectors(shop, tables, fitted, label, keys, row)
        else:
            row = others[place]
            others = others.filter(pl.int_range(pl.len()) != place)
    return _explained(shop, (fitted, task, label), customer_id, cutoff, row, others)


def _explained(
    shop: Shop,
    model: "tuple[FittedTask, Task, str]",
    customer_id: str,
    cutoff: datetime,
    row: "polars.DataFrame",
    others: "polars.DataFrame",
) -> Explained:
    from foresell.explain.feature_groups import each_alone, group_features
    from foresell.explain.mixtures import background_sample
    from foresell.explain.phrases import BEHAVIOR_SO_FAR, PHRASES
    from foresell.explain.reason_text import NO_CAUSE, Subject, Wording, reasons_of, usual_values

    fitted, task, label = model
    of_features = group_features(fitted.described)
    groups = (*of_features, *each_alone([BEHAVIOR_SO_FAR])) if fitted.reads_vectors else of_features
    found, singly = _contributions(fitted, row, background_sample(others, BACKGROUND), groups)
    subject = Subject(*_SUBJECTS[task.unit], unit=task.unit)
    wording = Wording(subject, shop.settings.store.currency, usual_values(others, fitted.described), PHRASES)
    score = float(fitted.predict(row)[0])
    change = None
    if fitted.threshold is not None and fitted.threshold.value <= 1:
        from foresell.explain.counterfactual import smallest_change

        observed = background_sample(others, NEIGHBORS_AMONG)
        change = smallest_change(fitted.predict, row, observed, of_features, fitted.threshold.value)
    return Explained(
        task=task.name,
        question=task.text,
        question_zh=task.text_zh,
        currency=shop.settings.store.currency,
        model=label,
        customer_id=customer_id,
        cutoff_at=cutoff,
        subject=subject,
        score=score,
        usual=float(found.base[0]),
        is_chosen=None if fitted.threshold is None else score >= fitted.threshold.value,
        reasons=reasons_of(found, 0, row, groups, wording, singly=singly, most=MOST_REASONS),
        change=change,
        note=NO_CAUSE[shop.settings.store.language == "zh"],
    )


def _contributions(
    fitted: "FittedTask",
    row: "polars.DataFrame",
    background: "polars.DataFrame",
    groups: "Sequence[FeatureGroup]",
) -> "tuple[Contributions, Contributions]":
    """By group, and by feature where the group is one of the largest: exact of trees, else sampled."""
    from foresell.explain.feature_groups import each_alone
    from foresell.explain.shapley import shapley_values
    from foresell.predict.customers.explained import exact_contributions

    exact = exact_contributions(fitted, row, groups)
    alone = exact_contributions(fitted, row, each_alone(fitted.described))
    if exact is not None and alone is not None:
        return exact, alone
    sampled = shapley_values(fitted.predict, row, background, groups)
    largest = {groups[place].name for place in sampled.top(MOST_REASONS)[0]}
    apart: list[FeatureGroup] = []
    for group in groups:
        apart += each_alone(group.features) if group.name in largest else [group]
    return sampled, shapley_values(fitted.predict, row, background[:SINGLY_BACKGROUND], apart)


# The table of an artifact that says how groups are treated.
FAIRNESS = "fairness"
# How columns of customers are said.
GROUP_WORDS: dict[str, tuple[str, str]] = {
    "age_band": ("age", "年龄"),
    "gender": ("gender", "性别"),
    "income_band": ("income", "收入"),
    "country": ("country", "国家"),
    "city": ("city", "城市"),
    "household": ("household", "家庭"),
}
# What a prediction is of, by its unit, as reasons say it.
_SUBJECTS: dict[str, tuple[str, str]] = {
    "probability": ("the chance", "概率"),
    "money": ("the amount", "金额"),
    "days": ("the wait", "等待天数"),
}


def fairness_of(shop: Shop, name: str, of: str | None = None) -> dict[str, Any]:
    """How the production model's task treats groups of people on the test window: findings, and a row a group
    and measure.

    Raises NotFoundError where the task was not fitted, InputError where it chooses nobody or no groups are
    known.
    """
    from foresell.contracts.errors import InputError
    from foresell.evaluation.fairness_findings import fairness_findings
    from foresell.predict.customers.task import task_of
    from foresell.predict.customers.threshold import Threshold

    artifact = load_fitted(shop, name, of)
    task, threshold = task_of(artifact.config["task"]), artifact.config["threshold"]
    if FAIRNESS not in artifact.tables:
        raise InputError(
            f"Fairness of '{task.name}' cannot be told",
            received="no threshold" if threshold is None else f"none of {', '.join(task.groups)}",
            do="Declare what errors cost, and import customers with an attribute to compare by.",
        )
    measured = artifact.tables[FAIRNESS]
    return {
        "task": task.name,
        "model": artifact.label,
        "threshold": None if threshold is None else Threshold.from_record(threshold).value,
        "findings": [one.as_record() for one in fairness_findings(measured, texts=GROUP_WORDS)],
        "rows": measured.to_dicts(),
    }
