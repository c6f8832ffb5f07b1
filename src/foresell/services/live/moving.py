"""Move accepted events from their log into the store: each segment is one ingest run, exactly once.

The run of a segment has the segment's id. A segment is removed when its run is in the raw zone and applied;
a mover that is killed anywhere leaves either the segment, or its run, or both, and the next one sees which.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.records import IngestRun
from foresell.privacy.tokens import prepare_tokens
from foresell.services.apply import apply_one, pending_runs
from foresell.services.live.others import read_event
from foresell.services.purge import bury_erased
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import next_recorded_at, writing
from foresell.sources.live.mapping import RAW_COLUMNS, live_mapping
from foresell.sources.mapping import mapping_to_json
from foresell.sources.rejects import Reject, RejectWriter
from foresell.sources.staging import copy_to_part
from foresell.store.crash_points import reached
from foresell.store.engine import literal, quoted
from foresell.store.event_log import run_id_of
from foresell.store.journal import CHECKSUM, damaged_lines
from foresell.store.raw import RawRun, file_sha256, hash_parts

if TYPE_CHECKING:
    import duckdb

CHUNK_BYTES = 1 << 20
# The longest line that is read; events are refused long before.
MOST_LINE_BYTES = 1 << 22


@dataclass(frozen=True)
class Moved:
    """The runs that were made of segments, or finished for a mover that was killed."""

    runs: tuple[IngestRun, ...]

    @property
    def num_rows(self) -> int:
        return sum(run.counts.rows_read for run in self.runs)

    def as_record(self) -> dict[str, object]:
        return {
            "runs": len(self.runs),
            "rows_read": self.num_rows,
            "rows_accepted": sum(run.counts.rows_accepted for run in self.runs),
            "rows_updated": sum(run.counts.rows_updated for run in self.runs),
            "rows_duplicate": sum(run.counts.rows_duplicate for run in self.runs),
            "rows_quarantined": sum(run.counts.rows_quarantined for run in self.runs),
        }


def move_events(shop: Shop, progress: Progress = silent) -> Moved:
    """Bring every event that was accepted until now into the tables. Events go on being accepted meanwhile.

    BusyError while somebody else writes.
    """
    if not shop.folder.events.pending():
        return Moved(())
    with shop.folder.events.still(alone=True), writing(shop, "move events", progress) as recovered:
        return Moved((*recovered, *move_segments(shop, progress)))


def move_segments(shop: Shop, progress: Progress = silent) -> list[IngestRun]:
    """As `move_events`; the caller holds the store's lock and has recovered."""
    published = publish_segments(shop)
    runs = []
    for index, run in enumerate(pending_runs(shop)):
        progress("moving events", index, len(published))
        runs.append(apply_one(shop, run))
    reached("events.applied")
    for segment in published:
        shop.folder.events.remove(segment)
        reached("events.removed")
    return runs


def publish_segments(shop: Shop) -> list[Path]:
    """Put every segment into the raw zone, as a run that will be applied; returns the segments, which may be
    removed once it is. The caller holds the store's lock."""
    log = shop.folder.events
    log.close()
    reached("events.closed")
    segments = log.closed()
    for segment in segments:
        if not shop.folder.raw.has(run_id_of(segment)):
            _publish(shop, segment)
    return segments


def _publish(shop: Shop, segment: Path) -> None:
    run_id = run_id_of(segment)
    staging = shop.folder.raw.staging(run_id)
    mapping = live_mapping(shop.settings.serve.events_make)
    with shop.connect() as connection:
        prepare_tokens(connection, shop.key)
        num_rows = _stage(connection, segment, staging)
        num_rejected = _reject_damaged(segment, staging, num_rows)
        bury_erased(shop, connection, staging, mapping)
    run = RawRun(
        run_id=run_id,
        kind="import",
        source=mapping.name,
        source_file=segment.name,
        sha256=file_sha256(segment),
        mapping=mapping_to_json(mapping),
        recorded_at=next_recorded_at(shop),
        num_rows=num_rows,
        num_rejected=num_rejected,
        parts=hash_parts(staging),
    )
    reached("events.staged")
    shop.folder.raw.publish(run)
    reached("events.raw_written")


def _stage(connection: "duckdb.DuckDBPyConnection", segment: Path, staging: Path) -> int:
    """The whole lines of a segment as a raw part, in their order."""
    kept = ", ".join(quoted(name) for name in RAW_COLUMNS)
    return copy_to_part(connection, f"SELECT {kept} FROM {lines_sql([segment])}", staging)


def lines_sql(segments: Sequence[Path]) -> str:
    """SQL: the whole lines of segments. A line that was cut off, or is damaged, has no checksum."""
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in (*RAW_COLUMNS, CHECKSUM))
    files = ", ".join(literal(str(path)) for path in segments)
    return (
        f"(SELECT * FROM read_json([{files}], format='newline_delimited', ignore_errors=true, "
        f"maximum_object_size={MOST_LINE_BYTES}, columns={{{types}}}) WHERE {quoted(CHECKSUM)} IS NOT NULL)"
    )


def _reject_damaged(segment: Path, staging: Path, num_rows: int) -> int:
    """Lines that were whole once and are not now, by a fault of the disk; returns how many.

    A last line without its end was never acknowledged, and counts for nothing.
    """
    if num_rows == _num_lines(segment):
        return 0
    damaged, _ = damaged_lines(segment)
    message = (
        "The disk has changed this line since it was accepted: check the disk, and send the event again."
    )
    with RejectWriter(staging, is_raw_withheld=True) as rejects:
        for number in damaged:
            rejects.add(Reject(number, number, None, "damaged_line", message))
    return len(damaged)


def _num_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(CHUNK_BYTES), b""))


def pending_rows(segments: Sequence[Path]) -> list[dict[str, str]]:
    """The accepted events of segments, oldest first: what a server that begins must know of them."""
    found = []
    for segment in segments:
        try:
            content = segment.read_bytes()
        except FileNotFoundError:
            continue
        found += [row for line in content.splitlines(keepends=True) if (row := read_event(line)) is not None]
    return found
