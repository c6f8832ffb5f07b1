"""Fit whatever a shop can fit, by the name of its task: what a button or a schedule asks for."""

from typing import Any, get_args

from foresell.contracts.errors import NotFoundError, did_you_mean
from foresell.services.production import Task
from foresell.services.shop import Progress, Shop, silent

VALUE, SEGMENTS = "value", "segments"
# About customers, offered before anybody has fitted one.
CUSTOMER_TASKS = ("churn",)


def fittable(shop: Shop) -> tuple[str, ...]:
    """The tasks that can be fitted without saying more: the shop's two, value, segments, and those about
    customers that were fitted before or that every shop is offered."""
    from foresell.services.customers.tasks import fitted_tasks

    about_customers = dict.fromkeys((*CUSTOMER_TASKS, *fitted_tasks(shop)))
    return (*get_args(Task), *about_customers, VALUE, SEGMENTS)


def fit_task(shop: Shop, task: str, progress: Progress = silent) -> Any:
    """Judge the models of a task, put the best to work, and write what it says now; errors as its own fit.

    NotFoundError for a task that cannot be fitted by its name alone.
    """
    known = fittable(shop)
    if task not in known:
        raise NotFoundError(f"There is no task '{task}'", do=did_you_mean(task, known))
    if task in get_args(Task):
        from foresell.services.predict import fit

        return fit(shop, task, progress)  # type: ignore[arg-type]  # looked up above
    if task == VALUE:
        from foresell.services.customers.value import fit_value

        return fit_value(shop, progress=progress)
    if task == SEGMENTS:
        from foresell.services.customers.segment import segment_customers

        return segment_customers(shop, "features", progress=progress)
    from foresell.services.customers.fit import fit_customers

    return fit_customers(shop, task, progress=progress)
