"""What a task cannot be learned from, each with what to do about it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from foresell.contracts.errors import InputError
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.task import Task

# The last day of a history counts as whole.
SLACK = timedelta(days=1)


def need_horizon(task: Task) -> None:
    if not task.horizon_days:
        raise InputError(
            f"'{task.name}' has no horizon yet", do="Give horizon_days, or let `completed` suggest it."
        )
    if task.needs_focus:
        raise InputError(
            f"'{task.name}' does not say which {task.open_focus} it is about",
            do=f"Name the {task.open_focus}, or let `completed` take the most bought one.",
        )


def check_within(task: Task, cutoff: datetime, first: datetime, until: datetime) -> None:
    if not first < cutoff < until:
        raise InputError(
            f"The cutoff lies outside the data of '{task.name}'",
            received=cutoff,
            do=f"Choose one after {first:%Y-%m-%d} and before {until:%Y-%m-%d}.",
        )
    if cutoff + task.span > until + SLACK:
        raise InputError(
            f"The horizon of '{task.name}' goes beyond the data: what came of anybody is not known yet",
            received=f"{cutoff:%Y-%m-%d} and {task.horizon_days:g} days, data until {until:%Y-%m-%d}",
            do=f"Choose a cutoff of {until - task.span:%Y-%m-%d} or before, or a shorter horizon.",
        )


def check_population(examples: Examples, task: Task, cutoffs: Sequence[datetime]) -> None:
    when = ", ".join(f"{cutoff:%Y-%m-%d}" for cutoff in cutoffs)
    if not len(examples):
        raise InputError(
            f"Nobody is in the population of '{task.name}'",
            received=f"cutoffs {when}",
            do="Ask less of the population, or choose later cutoffs.",
        )
    known = examples.labels[~np.isnan(examples.labels)]
    if not len(known) or known.min() == known.max():
        received = f"{known[0]:g} for all {len(known)}" if len(known) else f"{len(examples)} unknown ones"
        raise InputError(
            f"All labels of '{task.name}' are the same: there is nothing to learn",
            received=f"{received}, cutoffs {when}",
            do="Change the horizon, the population or the cutoffs.",
        )
