"""What is in the store, against what was sent and acknowledged."""

from pathlib import Path
from typing import Any

from foresell.services.live.moving import move_events
from foresell.services.rebuild import rebuild_tables
from foresell.services.shop import open_shop
from foresell.services.writing import writing


def judge(store: Path, sent: set[str], acknowledged: set[str]) -> dict[str, Any]:
    shop = open_shop(store)
    move_events(shop)
    with writing(shop, "judge"), shop.reading() as tables:
        rows = tables.history("events").select("event_id", "superseded_at").to_pyarrow().to_pylist()
        runs = tables.current("ingest_runs").to_pyarrow().to_pylist()
    ids = [row["event_id"] for row in rows]
    found = {
        "stored": len(ids),
        "missing": len(acknowledged - set(ids)),
        "twice": len(ids) - len(set(ids)),
        "changed": sum(row["superseded_at"] is not None for row in rows),
        "not_sent": len(set(ids) - sent),
        "quarantined": sum(run["rows_quarantined"] for run in runs),
        "runs": len(runs),
        "duplicates_counted": sum(run["rows_duplicate"] for run in runs),
        "still_waiting": len(shop.folder.events.pending()),
    }
    with writing(shop, "rebuild"):
        found["rebuild_changed"] = list(rebuild_tables(shop).changed)
    wrong = ("missing", "twice", "changed", "not_sent", "quarantined", "still_waiting", "rebuild_changed")
    return {**found, "is_met": not any(found[name] for name in wrong)}
