"""What models say of customers: scores of tasks, what customers are worth, and segments."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.services.report.sections import (
    Band,
    Driver,
    FairnessNote,
    ScoredCustomers,
    Segmentation,
    SegmentRow,
    TaskOutlook,
    Worth,
)

if TYPE_CHECKING:
    import polars

    from foresell.store.models import Artifact

NUM_BANDS = 10
MOST_DRIVERS = 6
MOST_FINDINGS = 6
VALUE, ALIVE = "value", "alive"


def gather_customers(tables: Tables, models: Path | None) -> ScoredCustomers:
    """`models`: where artifacts lie, which say in words what tables hold as numbers; None: nowhere."""
    scores: polars.DataFrame = tables.current("scores").to_polars()
    by_task = {
        str(task): frame for (task,), frame in scores.sort("task").group_by("task", maintain_order=True)
    }
    by_task.pop(ALIVE, None)
    worth = _worth(by_task.pop(VALUE)) if VALUE in by_task else None
    outlooks = tuple(_outlook(task, frame, _artifact(models, task)) for task, frame in by_task.items())
    return ScoredCustomers(outlooks, worth, _segmentations(tables, models))


def _artifact(models: Path | None, name: str) -> "Artifact | None":
    """The model in production of that name; None where there is none to be read."""
    from foresell.contracts.errors import ForesellError
    from foresell.services.production import PRODUCTION
    from foresell.store.models import load_artifact

    try:
        return None if models is None else load_artifact(models, name, PRODUCTION)
    except ForesellError:
        return None


def _outlook(task: str, rows: "polars.DataFrame", artifact: "Artifact | None") -> TaskOutlook:
    config: Mapping[str, Any] = {} if artifact is None else artifact.config
    asked = config.get("task", {}).get("task", {})
    threshold = (config.get("threshold") or {}).get("value")
    chosen = rows["is_chosen"]
    return TaskOutlook(
        task=task,
        question=asked.get("text") or task,
        question_zh=asked.get("text_zh") or asked.get("text") or task,
        model=rows["model"][0],
        unit=rows["unit"][0],
        horizon_days=rows["horizon_days"][0],
        num_customers=rows.height,
        num_chosen=None if chosen.null_count() == rows.height else int(chosen.sum()),
        threshold=threshold,
        mean=float(rows["score"].mean() or 0.0),  # type: ignore[arg-type]
        bands=_bands(rows["score"].to_list()) if rows["unit"][0] == "probability" else (),
        drivers=_drivers(rows["reasons"].drop_nulls().to_list(), config.get("described", ())),
        findings=_findings(artifact),
    )


def _bands(scores: Sequence[float]) -> tuple[Band, ...]:
    """How many customers have a chance of 0–10%, 10–20%, …; 100% is in the last."""
    counts = Counter(min(int(score * NUM_BANDS), NUM_BANDS - 1) for score in scores)
    return tuple(Band(at / NUM_BANDS, (at + 1) / NUM_BANDS, counts.get(at, 0)) for at in range(NUM_BANDS))


def _drivers(reasons: Sequence[str], described: Sequence[Mapping[str, Any]]) -> tuple[Driver, ...]:
    """What moves scores most, by the mean size of what it adds, in plain words."""
    from foresell.explain.feature_groups import group_features
    from foresell.features.feature import Feature

    total: Counter[str] = Counter()
    for text in reasons:
        for reason in json.loads(text):
            total[reason["feature"]] += abs(reason["adds"])
    words = {group.name: group for group in group_features([Feature(**one) for one in described])}
    return tuple(
        Driver(words[name].text, words[name].text_zh, size / len(reasons))
        for name, size in total.most_common(MOST_DRIVERS)
        if name in words
    )


def _findings(artifact: "Artifact | None") -> tuple[FairnessNote, ...]:
    from foresell.evaluation.fairness_findings import fairness_findings
    from foresell.services.customers.explain import GROUP_WORDS

    if artifact is None or "fairness" not in artifact.tables:
        return ()
    found = fairness_findings(artifact.tables["fairness"], texts=GROUP_WORDS)[:MOST_FINDINGS]
    return tuple(FairnessNote(one.severity, one.message, one.message_zh) for one in found)


def _worth(rows: "polars.DataFrame") -> Worth:
    """Tenths of customers by what is expected of them, the most valuable first."""
    expected = rows.sort("score", descending=True)["score"].to_list()
    edges = [round(len(expected) * at / NUM_BANDS) for at in range(NUM_BANDS + 1)]
    tenths = tuple(float(sum(expected[start:end])) for start, end in pairwise(edges))
    return Worth(rows["model"][0], rows["horizon_days"][0], len(expected), float(sum(expected)), tenths)


def _segmentations(tables: Tables, models: Path | None) -> tuple[Segmentation, ...]:
    """All but RFM, which the page tells of from the orders themselves; segments by size, then by name."""
    import polars as pl

    rows: pl.DataFrame = tables.current("segments").to_polars()
    counted = rows.filter(pl.col("segmentation") != "rfm").group_by("segmentation", "segment").len()
    ordered = counted.sort("segmentation", "len", "segment", descending=[False, True, False])
    found = []
    for (name,), frame in ordered.group_by("segmentation", maintain_order=True):
        told = _told_segments(_artifact(models, f"segments_{name}"))
        total = int(frame["len"].sum())
        found.append(
            Segmentation(
                str(name),
                tuple(
                    SegmentRow(
                        row["segment"],
                        told.get(row["segment"], {}).get("name_zh") or row["segment"],
                        told.get(row["segment"], {}).get("sentence") or "",
                        told.get(row["segment"], {}).get("sentence_zh") or "",
                        row["len"],
                        row["len"] / total,
                    )
                    for row in frame.to_dicts()
                ),
            )
        )
    return tuple(found)


def _told_segments(artifact: "Artifact | None") -> dict[str, dict[str, Any]]:
    if artifact is None or "segments" not in artifact.tables:
        return {}
    return {row["segment"]: row for row in artifact.tables["segments"].to_dicts()}
