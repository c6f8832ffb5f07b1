"""Who was shown which variant first: logged when it happens, brought into `exposures` once.

A customer's exposure to an experiment has one id, a keyed hash of both. Several processes may log it: the
first moment counts, and it reaches the table once, whoever is killed when: what the table has is left out,
and a run that was published is applied before anybody looks again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from foresell.contracts.records import IngestRun
from foresell.contracts.results import experiment_exposures
from foresell.contracts.tables import TABLES
from foresell.privacy.tokens import prepare_tokens
from foresell.services.apply import apply_one, pending_runs
from foresell.services.purge import bury_erased
from foresell.services.served import not_erased
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import next_recorded_at, writing
from foresell.sources.mapping import mapping_to_json
from foresell.sources.presets.canonical import CANONICAL_PRESETS
from foresell.sources.staging import copy_to_part
from foresell.store.crash_points import reached
from foresell.store.engine import read_files
from foresell.store.raw import RawRun, hash_parts, new_run_id

if TYPE_CHECKING:
    import duckdb

NAME = experiment_exposures.name
TARGET = "exposures"
MAPPING = CANONICAL_PRESETS[TARGET].mappings[TARGET]


@dataclass(frozen=True, slots=True)
class Exposure:
    """`policy`: what answers in the variant, in words of the served log; `share`: of those who take part."""

    experiment_id: str
    variant: str
    customer_id: str
    policy: str
    share: float
    occurred_at: datetime


def log_exposures(shop: Shop, exposures: Sequence[Exposure]) -> int:
    """On the disk when it returns; takes no lock of the store. Of the erased nothing is kept. BackendError
    where the disk does not take it."""
    zone = ZoneInfo(shop.settings.store.time_zone)
    key = shop.key
    rows = [
        {
            "exposure_id": exposure_id(key, one.experiment_id, one.customer_id),
            "occurred_at": one.occurred_at.isoformat(),
            "local_date": one.occurred_at.astimezone(zone).date().isoformat(),
            "experiment_id": one.experiment_id,
            "variant": one.variant,
            "customer_id": one.customer_id,
            "policy": one.policy,
            "propensity": one.share,
        }
        for one in exposures
    ]
    return shop.folder.logs[NAME].append(rows, lambda: not_erased(shop)) if rows else 0


def exposure_id(key: bytes, experiment_id: str, customer_id: str) -> str:
    said = f"exposure\0{experiment_id}\0{customer_id}".encode()
    return blake2b(said, key=key[:64], digest_size=16).hexdigest()


def move_exposures(shop: Shop, progress: Progress = silent) -> list[IngestRun]:
    """Bring what was logged and is not in the table there, as one run; BusyError while somebody else
    writes."""
    if not shop.folder.logs[NAME].files():
        return []
    with writing(shop, "move exposures", progress) as recovered:
        return [*recovered, *_move(shop)]


def _move(shop: Shop) -> list[IngestRun]:
    run_id = new_run_id(datetime.now(UTC))
    staging = shop.folder.raw.staging(run_id)
    with shop.connect() as connection:
        prepare_tokens(connection, shop.key)
        num_rows = copy_to_part(connection, _fresh_rows(shop, connection), staging)
        if num_rows:
            bury_erased(shop, connection, staging, MAPPING)
    if not num_rows:
        shop.folder.raw.clear_staging()
        return []
    parts = hash_parts(staging)
    reached("exposures.staged")
    shop.folder.raw.publish(
        RawRun(
            run_id=run_id,
            kind="import",
            source=NAME,
            source_file=run_id,
            sha256="".join(parts.values())[:64],
            mapping=mapping_to_json(MAPPING),
            recorded_at=next_recorded_at(shop),
            num_rows=num_rows,
            num_rejected=0,
            parts=parts,
        )
    )
    reached("exposures.published")
    return [apply_one(shop, run) for run in pending_runs(shop)]


def _fresh_rows(shop: Shop, connection: "duckdb.DuckDBPyConnection") -> str:
    """SQL: the first of each exposure that the table does not have, as text, in the order of time."""
    logged = read_files(experiment_exposures.columns, shop.folder.logs[NAME].files())
    known = read_files(TABLES[TARGET].columns, shop.folder.tables.files(TARGET))
    return (
        "SELECT exposure_id, "
        "strftime(occurred_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS occurred_at, "
        "experiment_id, variant, customer_id, policy, CAST(propensity AS VARCHAR) AS propensity "
        f"FROM (SELECT *, row_number() OVER (PARTITION BY exposure_id ORDER BY occurred_at, variant) AS nth "
        f"FROM ({logged})) WHERE nth = 1 AND exposure_id NOT IN (SELECT exposure_id FROM ({known})) "
        "ORDER BY occurred_at, exposure_id"
    )
