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


def board(visit: Visit, found: Leaderboard, chosen: str | None = None) -> None:
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
        _table(visit, found, split, title, rows, chosen)


def _table(
    visit: Visit,
    found: Leaderboard,
    split: str,
    title: str,
    rows: list[dict[str, object]],
    chosen: str | None,
) -> None:
    speech = visit.speech
    names = _scores(found.metric, rows)

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
    table(visit, title, shown, flat, name=f"leaderboard-{found.task}-{split}")


def _scores(metric: str, rows: list[dict[str, object]]) -> list[str]:
    """The score that chooses, then the others as they come."""
    every = dict.fromkeys(name for row in rows for name in _all(row))
    return [metric, *(name for name in every if name != metric)][:MOST_SCORES]


def _all(row: dict[str, object]) -> dict[str, float]:
    scores = row["scores"]
    return scores if isinstance(scores, dict) else {}


def _score(row: dict[str, object], name: str) -> float | None:
    return _all(row).get(name)
