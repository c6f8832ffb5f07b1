"""What is asked of customers: a declaration from which everything else follows.

    read_task(path)            a user's own, in TOML
    tasks.TASKS                the built-in ones

A declaration that would let a model see what it is to foresee is refused before anything is read.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from foresell.contracts.errors import InputError, did_you_mean
from foresell.contracts.settings import make_tree, read_tree
from foresell.contracts.tables import EVENT_NAMES
from foresell.evaluation.money import Costs
from foresell.features.spec import Focus, FocusOn
from foresell.predict.customers.declaration import (
    About,
    Declaration,
    FeaturesSection,
    LabelSection,
    Metric,
    PopulationSection,
)
from foresell.predict.customers.model import Target

AMOUNTS = ("amount", "days_to_order")
EVENT_KINDS = ("event", "no_event")
SESSIONS_OF = timedelta(days=7)
NAME = re.compile(r"[a-z][a-z0-9_]*")
GROUPS = ("age_band", "gender", "income_band", "country", "city", "household")
# Words by which somebody may ask for the label among the features.
LABEL_NAMES = ("label", "labels", "target", "score", "outcome")


@dataclass(frozen=True, slots=True)
class Task:
    """One question.

    horizon_days  of the label window [cutoff + label.begins_days, cutoff + horizon_days); 0: suggested by
                  the data (`training.completed`)
    label         whose category (product, …) may be open: `needs_focus`; `of` names it
    metric        what chooses the model
    costs         of errors, in the store's currency; None: no threshold is chosen
    groups        columns of `customers` by which fairness is judged
    """

    name: str
    text: str
    text_zh: str
    about: About
    horizon_days: float
    label: LabelSection
    population: PopulationSection = field(default_factory=PopulationSection)
    features: FeaturesSection = field(default_factory=FeaturesSection)
    metric: Metric = "log_loss"
    costs: Costs | None = None
    groups: tuple[str, ...] = ("age_band", "gender", "income_band", "country")
    open_focus: FocusOn | None = None

    def __post_init__(self) -> None:
        _refuse_leaks(self)
        _refuse_nonsense(self)

    @property
    def target(self) -> Target:
        return "amount" if self.label.kind in AMOUNTS else "happens"

    @property
    def unit(self) -> str:
        """Of the prediction: probability, money or days."""
        return {"amount": "money", "days_to_order": "days"}.get(self.label.kind, "probability")

    @property
    def horizon(self) -> timedelta:
        return timedelta(days=self.horizon_days)

    @property
    def span(self) -> timedelta:
        """From a cutoff to the end of the labels that belong to it. To a cutoff of a task about sessions
        belong the moments of a week."""
        return self.horizon + (SESSIONS_OF if self.about == "session" else timedelta(0))

    @property
    def focus(self) -> Focus | None:
        """What the label's orders must hold; None: anything."""
        named = [(on, getattr(self.label, on)) for on in get_args(FocusOn) if getattr(self.label, on)]
        return Focus(*named[0]) if named else None

    @property
    def needs_focus(self) -> bool:
        return self.open_focus is not None and self.focus is None

    def of(self, value: str) -> "Task":
        """The same task about this category or product, for a task that leaves it open."""
        if self.open_focus is None:
            raise InputError(f"'{self.name}' asks about nothing in particular", received=value)
        return replace(self, label=self.label.model_copy(update={self.open_focus: value}))

    def as_record(self) -> dict[str, Any]:
        """JSON-ready, as its TOML would be read; `task_of` is the inverse."""
        costs = self.costs
        return {
            "task": {
                "name": self.name,
                "about": self.about,
                "horizon_days": self.horizon_days,
                "metric": self.metric,
                "text": self.text,
                "text_zh": self.text_zh,
            },
            "population": self.population.model_dump(mode="json"),
            "label": self.label.model_dump(mode="json"),
            "features": self.features.model_dump(mode="json"),
            "costs": {name: getattr(costs, name) for name in ("false_positive", "false_negative", "action")}
            if costs
            else {},
            "fairness": {"groups": list(self.groups)},
        }


def read_task(source: Path | str) -> Task:
    """The task in a TOML file, or in a text of TOML.

    Raises NotFoundError for a file that cannot be read; InputError for what is no TOML, an unknown key (the
    nearest is named), a value that cannot be used, and for a task that would see what it is to foresee.
    """
    if isinstance(source, Path):
        return _task(read_tree(Declaration, source))
    try:
        return task_of(tomllib.loads(source))
    except tomllib.TOMLDecodeError as error:
        raise InputError("The task is not valid TOML", received=error, do="Correct that line.") from error


def task_of(tree: Mapping[str, Any], *, where: str = "the task") -> Task:
    """The task of nested mappings. Raises as `read_task` does."""
    return _task(make_tree(Declaration, tree, where=where))


def _task(told: Declaration) -> Task:
    about, costs = told.task, told.costs
    default: Metric = "rmse" if told.label.kind in AMOUNTS else "log_loss"
    words = about.text or about.name.replace("_", " ")
    return Task(
        name=about.name,
        text=words,
        text_zh=about.text_zh or words,
        about=about.about,
        horizon_days=about.horizon_days,
        label=told.label,
        population=told.population,
        features=told.features,
        metric=about.metric or default,
        costs=Costs(costs.false_positive, costs.false_negative, costs.action)
        if costs.false_positive + costs.false_negative > 0
        else None,
        groups=told.fairness.groups,
    )


def _refuse_leaks(task: Task) -> None:
    leak = f"'{task.name}' would be told what it is to foresee"
    if task.label.begins_days < 0:
        raise InputError(
            f"{leak}: its label begins {-task.label.begins_days:g} days before the cutoff",
            received=f"label.begins_days = {task.label.begins_days:g}",
            do="Give 0 or more: the label is what comes after the cutoff.",
        )
    for section in ("population", "features"):
        ends = getattr(task, section).ends_days
        if ends > 0:
            raise InputError(
                f"{leak}: its {section} reach {ends:g} days past the cutoff",
                received=f"{section}.ends_days = {ends:g}",
                do="Give 0 or less: at the cutoff nobody knows what comes after it.",
            )
    asked = [name for name in task.features.only if name in (*LABEL_NAMES, task.name)]
    if asked:
        raise InputError(
            f"{leak}: its label is among its features",
            received=f"features.only = {', '.join(asked)}",
            do="Leave it out: the label is known only after the fact.",
        )


def _refuse_nonsense(task: Task) -> None:
    if not NAME.fullmatch(task.name):
        raise InputError(
            "A task needs a name of lower case letters, digits and _",
            received=repr(task.name),
            do='Give name under [task], such as name = "buys_tea".',
        )
    label = task.label
    named = [on for on in get_args(FocusOn) if getattr(label, on)]
    if len(named) > 1:
        raise InputError(
            f"'{task.name}' asks about two things at once", received=", ".join(named), do="Name one of them."
        )
    if label.kind in EVENT_KINDS and label.event not in EVENT_NAMES:
        raise InputError(
            f"'{task.name}' asks for an event that is none",
            received=repr(label.event),
            do=did_you_mean(label.event, EVENT_NAMES),
        )
    if task.population.event and task.population.event not in EVENT_NAMES:
        raise InputError(
            f"The population of '{task.name}' needs an event that is none",
            received=repr(task.population.event),
            do=did_you_mean(task.population.event, EVENT_NAMES),
        )
    if 0 < task.horizon_days <= label.begins_days:
        raise InputError(
            f"The label of '{task.name}' begins when its horizon has ended",
            received=f"begins_days {label.begins_days:g}, horizon_days {task.horizon_days:g}",
            do="Give a longer horizon, or an earlier beginning.",
        )
    unknown = [name for name in task.groups if name not in GROUPS]
    if unknown:
        raise InputError(
            f"Fairness of '{task.name}' is asked by a column that customers have not",
            received=", ".join(unknown),
            do=did_you_mean(unknown[0], GROUPS),
        )
    if task.about == "session" and label.kind not in EVENT_KINDS:
        raise InputError(
            f"A label of kind {label.kind} is none of a session",
            received=label.kind,
            do="Choose event or no_event, or a task about customers.",
        )
