"""Quarantine: what could not be used, why, and the way back in."""

import json
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import ConflictError, InputError, NotFoundError, did_you_mean
from foresell.contracts.records import IngestRun, QuarantineStatus
from foresell.privacy.tokens import prepare_tokens
from foresell.services.apply import apply_one
from foresell.services.file_notes import used_columns
from foresell.services.ingest import replacing_identifiers
from foresell.services.purge import bury_erased
from foresell.services.shop import Progress, Shop, silent
from foresell.services.snapshot import refuse_outdated_replay
from foresell.services.writing import next_recorded_at, writing
from foresell.sources.mapping import Mapping, identifier_columns, mapping_from_json
from foresell.store.crash_points import reached
from foresell.store.engine import literal, quoted
from foresell.store.merge import Stamp
from foresell.store.raw import RawRun, hash_parts, new_run_id
from foresell.store.state import Decision

if TYPE_CHECKING:
    import ibis.expr.types as ir

ERASED_CODE = "erased_customer"
UNSPLIT_COLUMN = "line"


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """One row that could not be used. `raw`: source column → value, null where it may not be kept."""

    quarantine_id: str
    run_id: str
    source_file: str
    row_number: int | None
    target_table: str | None
    error_code: str
    column: str | None
    message: str
    raw: MappingOf[str, object] | None
    status: QuarantineStatus
    fixes: MappingOf[str, str]

    def as_record(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    error_code: str
    column: str | None
    status: QuarantineStatus
    num_rows: int


def list_quarantine(
    shop: Shop,
    *,
    status: QuarantineStatus | None = "open",
    run_id: str | None = None,
    error_code: str | None = None,
    limit: int | None = 100,
) -> list[QuarantinedRow]:
    """Quarantined rows in the order of their runs and rows; `status` None: whatever was decided."""
    decisions = shop.folder.state.decisions()
    with shop.reading() as tables:
        found = _with_status(tables.current("quarantine"), status, decisions)
        if run_id is not None:
            found = found.filter(found.run_id == run_id)
        if error_code is not None:
            found = found.filter(found.error_code == error_code)
        ordered = found.order_by("run_id", "row_number", "quarantine_id").limit(limit)
        return [_with_decision(record, decisions) for record in ordered.to_pyarrow().to_pylist()]


def _with_status(
    rows: "ir.Table", status: QuarantineStatus | None, decisions: MappingOf[str, Decision]
) -> "ir.Table":
    if status is None:
        return rows
    if status == "erased":
        return rows.filter(rows.error_code == ERASED_CODE)
    if status == "open":
        undecided = rows.quarantine_id.notin(list(decisions)) if decisions else True
        return rows.filter(rows.error_code != ERASED_CODE, undecided)
    chosen = [key for key, decision in decisions.items() if decision.status == status]
    return rows.filter(rows.quarantine_id.isin(chosen) if chosen else False)


def count_quarantine(shop: Shop) -> list[QuarantineCount]:
    """How many rows of each reason and status, most first."""
    import polars as pl

    decided = shop.folder.state.decisions()
    with shop.reading() as tables:
        frame = pl.from_arrow(
            tables.current("quarantine").select("quarantine_id", "error_code", "column").to_pyarrow()
        )
    if not isinstance(frame, pl.DataFrame) or frame.is_empty():
        return []
    statuses = pl.DataFrame(
        {"quarantine_id": list(decided), "status": [d.status for d in decided.values()]},
        schema={"quarantine_id": pl.String, "status": pl.String},
    )
    undecided = pl.when(pl.col("error_code") == ERASED_CODE).then(pl.lit("erased")).otherwise(pl.lit("open"))
    counts = (
        frame.join(statuses, on="quarantine_id", how="left")
        .with_columns(pl.coalesce("status", undecided).alias("status"))
        .group_by("error_code", "column", "status")
        .agg(pl.len().alias("num_rows"))
        .sort(["num_rows", "error_code", "column"], descending=[True, False, False])
    )
    return [QuarantineCount(**record) for record in counts.to_dicts()]


def show_quarantine(shop: Shop, quarantine_id: str) -> QuarantinedRow:
    """One quarantined row, whatever was decided about it."""
    with shop.reading() as tables:
        found = tables.current("quarantine")
        records = found.filter(found.quarantine_id == quarantine_id).to_pyarrow().to_pylist()
    if not records:
        raise NotFoundError(
            f"There is no quarantined row '{quarantine_id}'", do="`foresell quarantine list --all` shows all."
        )
    return _with_decision(records[0], shop.folder.state.decisions())


def fix_quarantine(shop: Shop, quarantine_id: str, fixes: MappingOf[str, str]) -> QuarantinedRow:
    """Note corrected values, by source column; `replay` brings the row in with them."""
    row = _undecided(show_quarantine(shop, quarantine_id))
    if not fixes:
        raise InputError("Nothing to fix is given", do="Add --set COLUMN=VALUE for each value to correct.")
    known = _columns_of(shop, row)
    unknown = [column for column in fixes if column not in known]
    if unknown:
        raise InputError(f"The row has no column '{unknown[0]}'", do=did_you_mean(unknown[0], known))
    merged = {**row.fixes, **_tokenized(shop, row, fixes)}
    shop.folder.state.decide([Decision(quarantine_id, "fixed", merged)])
    return show_quarantine(shop, quarantine_id)


def _columns_of(shop: Shop, row: QuarantinedRow) -> list[str]:
    """The columns that a row can be given values in; of an unsplit line, those that its mapping reads."""
    if row.raw is not None and set(row.raw) != {UNSPLIT_COLUMN}:
        return list(row.raw)
    return sorted(used_columns(mapping_from_json(_source(shop, row.run_id).mapping)))


def _tokenized(shop: Shop, row: QuarantinedRow, fixes: MappingOf[str, str]) -> dict[str, str]:
    """The fixes with tokens in the place of direct identifiers, as if the file had held them."""
    identifiers = identifier_columns(mapping_from_json(_source(shop, row.run_id).mapping))
    given = ", ".join(f"{literal(value)} AS {quoted(column)}" for column, value in fixes.items())
    with shop.connect() as connection:
        prepare_tokens(connection, shop.key)
        with replacing_identifiers(shop, connection, identifiers) as projection:
            replaced = projection(list(fixes))
            if not replaced:
                return dict(fixes)
            selected = ", ".join(replaced.values())
            [tokens] = connection.execute(f"SELECT {selected} FROM (SELECT {given})").fetchall()
    return {**fixes, **{c: t or "" for c, t in zip(replaced, tokens, strict=True)}}


def _source(shop: Shop, run_id: str) -> RawRun:
    [run] = (run for run in shop.folder.raw.runs() if run.run_id == run_id)
    return run


def discard_quarantine(shop: Shop, quarantine_ids: Sequence[str]) -> int:
    """Decide that rows are of no use. They stay in the raw zone and in the counts of their runs."""
    rows = [_undecided(show_quarantine(shop, quarantine_id)) for quarantine_id in quarantine_ids]
    shop.folder.state.decide(Decision(row.quarantine_id, "discarded", row.fixes) for row in rows)
    return len(rows)


def replay_quarantine(
    shop: Shop, quarantine_ids: Sequence[str] | None = None, progress: Progress = silent
) -> list[IngestRun]:
    """Bring quarantined rows in again, with their fixes, one run for each run they came from.

    None: every fixed row. A row that still cannot be used is quarantined anew, under the new run.
    """
    with writing(shop, "replay", progress):
        rows = _to_replay(shop, quarantine_ids)
        sources = {run.run_id: run for run in shop.folder.raw.runs()}
        _refuse_outdated(shop, [sources[run_id] for run_id in sorted({row.run_id for row in rows})])
        by_run = groupby(sorted(rows, key=lambda row: row.run_id), key=lambda row: row.run_id)
        return [_replay(shop, sources[run_id], list(group)) for run_id, group in by_run]


def _refuse_outdated(shop: Shop, sources: Sequence[RawRun]) -> None:
    now = next_recorded_at(shop)
    with shop.connect() as connection:
        for run in sources:
            stamp = Stamp(run.run_id, run.source, now)
            mapping = mapping_from_json(run.mapping)
            refuse_outdated_replay(connection, shop.folder.tables, stamp, mapping)


def _to_replay(shop: Shop, quarantine_ids: Sequence[str] | None) -> list[QuarantinedRow]:
    if quarantine_ids is None:
        return list_quarantine(shop, status="fixed", limit=None)
    return [_undecided(show_quarantine(shop, quarantine_id)) for quarantine_id in quarantine_ids]


def _replay(shop: Shop, source: RawRun, rows: Sequence[QuarantinedRow]) -> IngestRun:
    recorded_at = next_recorded_at(shop)
    run_id = new_run_id(recorded_at)
    staging = shop.folder.raw.staging(run_id)
    mapping = mapping_from_json(source.mapping)
    _write_rows(rows, _with_commas(mapping), staging / "part-00000.parquet")
    with shop.connect() as connection:
        prepare_tokens(connection, shop.key)
        bury_erased(shop, connection, staging, mapping)
    run = RawRun(
        run_id=run_id,
        kind="replay",
        source=source.source,
        source_file=source.source_file,
        sha256=source.sha256,
        mapping=source.mapping,
        recorded_at=recorded_at,
        num_rows=len(rows),
        parts=hash_parts(staging),
        replays=tuple(row.quarantine_id for row in rows),
    )
    shop.folder.raw.publish(run)
    reached("replay.raw_written")
    return apply_one(shop, run)


def _with_commas(mapping: Mapping) -> set[str]:
    """The columns whose texts are read with a decimal comma."""
    fields = (field for target in mapping.targets for field in target.all_fields.values())
    return {
        column for field in fields if (field.decimal or mapping.decimal) == "," for column in field.columns
    }


def _write_rows(rows: Sequence[QuarantinedRow], with_commas: set[str], path: Path) -> None:
    """The corrected rows as text columns, as a text file would have given them."""
    import polars as pl

    corrected = [_corrected(row, with_commas) for row in rows]
    columns = sorted({column for row in corrected for column in row})
    texts = {column: [row.get(column) for row in corrected] for column in columns}
    pl.DataFrame(texts, schema=dict.fromkeys(columns, pl.String)).write_parquet(path)


def _corrected(row: QuarantinedRow, with_commas: set[str]) -> dict[str, str | None]:
    raw = {} if row.raw is None or set(row.raw) == {UNSPLIT_COLUMN} else row.raw
    if not raw and not row.fixes:
        raise InputError(
            f"Row {row.quarantine_id} could not be split into columns",
            do="Give its values first: foresell quarantine fix ID --set COLUMN=VALUE …",
        )
    values = {
        column: None if value is None else _text(value, column in with_commas)
        for column, value in raw.items()
    }
    return {**values, **row.fixes}


def _text(value: object, has_comma: bool) -> str:
    """A value of a typed source as the text that the mapping reads as the same."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        text = str(int(value)) if value.is_integer() else format(Decimal(str(value)), "f")
        return text.replace(".", ",") if has_comma else text
    return json.dumps(value, ensure_ascii=False)


def _with_decision(record: dict[str, object], decisions: MappingOf[str, Decision]) -> QuarantinedRow:
    decision = decisions.get(str(record["quarantine_id"]))
    undecided: QuarantineStatus = "erased" if record["error_code"] == ERASED_CODE else "open"
    raw = record.pop("raw")
    return QuarantinedRow(
        **record,  # type: ignore[arg-type]  # the columns are the contract's
        # No number is no value, and no JSON.
        raw=None if raw is None else json.loads(str(raw), parse_constant=lambda _: None),
        status=decision.status if decision and undecided != "erased" else undecided,
        fixes=decision.fixes if decision else {},
    )


def _undecided(row: QuarantinedRow) -> QuarantinedRow:
    if row.status not in ("open", "fixed"):
        raise ConflictError(
            f"Row {row.quarantine_id} is {row.status}",
            do="Only open and fixed rows can be changed or replayed.",
        )
    return row
