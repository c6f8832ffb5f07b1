"""A button that judges and fits the models of a task, in the background."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from foresell.console.forms import button
from foresell.console.pieces import act
from foresell.console.visit import Visit
from foresell.services.fitting import fit_task

SCOPE = "models:write"


def fit_button(
    visit: Visit, task: str, text: str, css: str = "", then: Callable[[], Any] | None = None
) -> None:
    """Nothing where this person may not. `then`: instead of opening the jobs."""
    if not visit.may(SCOPE):
        return

    async def begin() -> None:
        house = visit.house

        def work() -> Any:
            visit.note("model.fit", model=task)
            return house.jobs.start(
                "fit", task, visit.who.name, lambda progress: fit_task(house.shop, task, progress)
            )

        done, _ = await act(visit, SCOPE, work)
        if done:
            ui.notify(visit.say("products.fit_started"), type="positive")
            if then is None:
                ui.navigate.to("/models")
            else:
                then()

    button(text, begin, css=css)
