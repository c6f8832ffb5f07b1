"""Declarations: a user's own in TOML, what is refused, and what it says."""

from pathlib import Path

import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.predict.customers.task import read_task, task_of
from foresell.predict.customers.tasks import TASKS

OWN = """
[task]
name = "buys_tea"
horizon_days = 14
text = "buys from category tea within 14 days"
[population]
min_orders = 1
within_days = 60
[label]
kind = "order"
category = "tea"
[costs]
false_positive = 0.5
false_negative = 4
[fairness]
groups = ["age_band"]
"""


def test_a_task_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "buys_tea.toml"
    path.write_text(OWN, encoding="utf-8")
    task = read_task(path)
    assert (task.name, task.horizon_days, task.target, task.metric) == ("buys_tea", 14, "happens", "log_loss")
    assert task.focus is not None
    assert (task.focus.on, task.focus.value) == ("category", "tea")
    assert task.costs is not None
    assert task.costs.threshold == pytest.approx(0.5 / 4.5)
    assert task.groups == ("age_band",)


@pytest.mark.parametrize("task", [*TASKS.values(), read_task(OWN)], ids=lambda task: task.name)
def test_a_task_survives_its_record(task: object) -> None:
    from dataclasses import replace

    from foresell.predict.customers.task import Task

    assert isinstance(task, Task)
    assert task_of(task.as_record()) == replace(task, open_focus=None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "[label]\nbegins_days = -7",
            "told what it is to foresee: its label begins 7 days before the cutoff",
        ),
        ("[population]\nends_days = 3", "its population reach 3 days past the cutoff"),
        ("[features]\nends_days = 14", "its features reach 14 days past the cutoff"),
        ('[features]\nonly = ["orders_30d", "label"]', "its label is among its features"),
        ('[features]\nonly = ["own"]', "its label is among its features"),
    ],
)
def test_a_task_that_would_see_its_label_is_refused(change: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_task(f'[task]\nname = "own"\nhorizon_days = 14\n{change}')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[tusk]\nname = "a"', "no section .tusk.*Did you mean 'task'"),
        ('[task]\nname = "a"\nhorizon_day = 3', "no key 'horizon_day'.*Did you mean 'horizon_days'"),
        ('[task]\nname = "a"\nhorizon_days = -1', "horizon_days cannot be used"),
        ('[task]\nname = "a"\nhorizon_days = inf', "horizon_days cannot be used"),
        ('[task]\nname = "a"\nmetric = "acc"', "task.metric cannot be used"),
        ('[task]\nname = "A b"', "a name of lower case letters"),
        ("[task]\nhorizon_days = 3", "a name of lower case letters"),
        ('[task]\nname = "a"\n[label]\ncategory = "x"\nbrand = "y"', "two things at once"),
        ('[task]\nname = "a"\n[label]\nkind = "event"\nevent = "purchace"', "Did you mean 'purchase'"),
        ('[task]\nname = "a"\nabout = "session"\n[label]\nkind = "amount"', "none of a session"),
        ('[task]\nname = "a"\n[fairness]\ngroups = ["gendre"]', "Did you mean 'gender'"),
        (
            '[task]\nname = "a"\nhorizon_days = 3\n[label]\nbegins_days = 3',
            "begins when its horizon has ended",
        ),
        ("[task", "not valid TOML"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_task(text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="cannot be read"):
        read_task(tmp_path / "none.toml")


def test_an_open_task_is_told_what_it_is_about() -> None:
    task = TASKS["will_buy_category"]
    assert task.needs_focus
    assert not task.of("tea").needs_focus
    with pytest.raises(InputError, match="about nothing in particular"):
        TASKS["churn"].of("tea")
