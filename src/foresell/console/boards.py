"""A leaderboard: how models did on time they had not seen."""

from typing import Any

from markupsafe import Markup

from foresell.console.charts import bar_chart
from foresell.console.marks import paragraph, pill
from foresell.console.pieces import show
from foresell.console.tables import Column, table
from foresell.console.visit import Visit
from foresell.services.leaderboards import Leaderboard

MOST_SCORES = 7
# Beside something else on a page there is room for fewer.
FEW_SCORES = 3


def board(visit: Visit, found: Leaderboard, chosen: str | None = None, *, is_narrow: bool = False) -> None:
    """A table a split, the test first, with the score that chooses as a chart. `chosen`: the model at
    work."""
    show(paragraph(visit.say("compare.note", metric=found.chosen_by), "note"))
    for split in dict.fromkeys(str(row["split"]) for row in found.rows):
        rows = [row for row in found.rows if row["split"] == split]
        key = f"compare.split.{split}"
        title = visit.say(key) if visit.speech.knows(key) else split
        show(Markup("<h3>{}</h3>").format(title))
        if split == "test":
            bars = [(str(row["model"]), _score(row, found.metric)) for row in rows]
            known = [(model, value) for model, value in bars if value is not None]
            bar_chart(
                visit,
                f"{found.metric}: {title}",
                f"leaderboard-{found.task}",
                known,
                first_title=visit.say("compare.model"),
                value_title=found.metric,
                digits=4,
                is_money=False,
            )
        names = _scores(found.metric, rows)[: FEW_SCORES if is_narrow else MOST_SCORES]
        _table(visit, found, (split, title), rows, names, chosen)


def _table(
    visit: Visit,
    found: Leaderboard,
    split: tuple[str, str],
    rows: list[dict[str, object]],
    names: list[str],
    chosen: str | None,
) -> None:
    """`split`: its name and its title."""
    speech = visit.speech

    def number(value: Any) -> str:
        return speech.number(value, 4 if value is not None and abs(value) < 10 else 1)

    def model(value: Any) -> object:
        return Markup("{} {}").format(value, pill("★", "accent")) if value == chosen else value

    shown = [Column("model", visit.say("compare.model"), model)]
    shown += [
        Column(name, name, number, is_number=True, is_minor=place > 1) for place, name in enumerate(names)
    ]
    shown += [
        Column(
            name,
            visit.say(f"compare.{name}"),
            lambda value: speech.number(value, 2),
            is_number=True,
            is_minor=True,
        )
        for name in ("fit_seconds", "predict_seconds")
    ]
    flat = [{**row, **{name: _score(row, name) for name in names}} for row in rows]
    table(visit, split[1], shown, flat, name=f"leaderboard-{found.task}-{split[0]}")


def _scores(metric: str, rows: list[dict[str, object]]) -> list[str]:
    """The score that chooses, then the others as they come."""
    every = dict.fromkeys(name for row in rows for name in _all(row))
    return [metric, *(name for name in every if name != metric)]


def _all(row: dict[str, object]) -> dict[str, float]:
    scores = row["scores"]
    return scores if isinstance(scores, dict) else {}


def _score(row: dict[str, object], name: str) -> float | None:
    return _all(row).get(name)
