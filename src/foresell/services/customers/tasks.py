"""Which task is meant: a built-in one, a declaration in a file, or one that was fitted before."""

import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import NotFoundError, did_you_mean
from foresell.services.production import PRODUCTION, load_production
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.predict.customers.fitted import FittedTask
    from foresell.predict.customers.task import Task
    from foresell.store.models import Artifact

DECLARATION = ".toml"
LONGEST_SLUG = 24


def find_task(name: str, of: str | None = None, *, others: Sequence[str] = ()) -> "Task":
    """The built-in task of that name, or the one that a TOML file declares.

    `of`: the category or product of a task that leaves it open; it becomes part of the name, so that a shop
    can have one model for each. `others`: what else could have been meant.

    Raises NotFoundError for an unknown name, InputError as `read_task` does.
    """
    from foresell.predict.customers.task import read_task
    from foresell.predict.customers.tasks import TASKS

    if name.endswith(DECLARATION):
        task = read_task(Path(name))
    elif name in TASKS:
        task = TASKS[name]
    else:
        raise NotFoundError(
            f"There is no task '{name}'",
            do=f"{did_you_mean(name, [*TASKS, *others])} Or give a file that declares one.",
        )
    return task if of is None else replace(task.of(of), name=f"{task.name}_{_slug(of)}")


def task_name(name: str, of: str | None = None) -> str:
    """What the models and scores of a task are kept under."""
    if name.endswith(DECLARATION):
        return find_task(name, of).name
    return name if of is None else f"{name}_{_slug(of)}"


def _slug(value: str) -> str:
    """A value as part of a name; different values have different slugs."""
    plain = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")[:LONGEST_SLUG]
    if plain.replace("_", " ").upper() == value.upper():
        return plain
    return "_".join(filter(None, (plain, sha256(value.encode()).hexdigest()[:6])))


def fitted_tasks(shop: Shop) -> tuple[str, ...]:
    """The names of all tasks that have a model in production, ascending."""
    from foresell.predict.customers.fitted import KIND
    from foresell.store.model_versions import list_models, pointers
    from foresell.store.models import kind_of

    folder = shop.folder.models
    return tuple(
        name
        for name in list_models(folder)
        if PRODUCTION in pointers(folder, name) and kind_of(folder, name) == KIND
    )


def load_task(shop: Shop, name: str, of: str | None = None) -> "tuple[FittedTask, Task, str]":
    """The model in production, its declaration, and what it is called: name/version.

    Raises NotFoundError where none has been fitted.
    """
    from foresell.predict.customers.fitted import FittedTask
    from foresell.predict.customers.task import task_of

    artifact = load_fitted(shop, name, of)
    fitted = FittedTask.load(artifact.config, artifact.tables, artifact.weights)
    return fitted, task_of(fitted.task), artifact.label


def load_fitted(shop: Shop, name: str, of: str | None = None) -> "Artifact":
    """As it was saved. Raises as `load_task`."""
    called, known = task_name(name, of), fitted_tasks(shop)
    if called not in known:
        if called == name:
            find_task(name)
        asked = f"{name} --of {of!r}" if of else name
        fitted = f" Fitted: {', '.join(known)}." if known else ""
        raise NotFoundError(
            f"No model of the task '{called}' has been fitted", do=f"Run: foresell fit {asked}.{fitted}"
        )
    return load_production(shop, called)
