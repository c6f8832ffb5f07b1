"""What a request of an import asks for: inputs, each of which becomes one run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, did_you_mean
from foresell.services.file_notes import Note
from foresell.sources import PRESETS
from foresell.sources.mapping import Mapping, read_mapping, with_identities
from foresell.sources.staging import Projection, ReadOptions, StagedFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from foresell.services.sql_inputs import DatabaseRequest

Stage = Callable[["DuckDBPyConnection", Path, Projection], StagedFile]


@dataclass(frozen=True)
class ImportRequest:
    """What to import. `preset` names one of PRESETS; `mapping` is a TOML file; one of the two.

    `path` may be left out for a preset that knows where its data lies. `options` go before those of the
    mapping. `may_lack_columns`: see `file_notes.review_columns`. `is_snapshot`: each file is a full dump,
    true from the local day `as_of` (None: see `dump_dates`); `may_shrink`: however many keys it lacks.
    `database`: what to read instead of a path; `mapping` may then be a folder of them.
    """

    path: Path | None
    preset: str | None = None
    mapping: Path | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    may_lack_columns: bool = False
    is_snapshot: bool = False
    as_of: date | None = None
    may_shrink: bool = False
    database: "DatabaseRequest | None" = None


@dataclass(frozen=True)
class Input:
    """What one run reads. `name`: as the records call it.

    `fingerprint()`: the sha256 of its bytes; an input whose bytes were imported before under the same
    mapping is a duplicate as a whole. None: it has no bytes to compare, and each of its rows is compared.
    `stage(connection, into, projection)`: writes it as raw parts, identifiers replaced.
    """

    name: str
    mapping: Mapping
    stage: Stage
    fingerprint: Callable[[], str | None]


def find_inputs(request: ImportRequest, note: Note) -> list[Input]:
    """The inputs of a request, in the order of import; `note` is told what of it is left out.

    Errors: NotFoundError (no such file), InputError (it is not said how to read it).
    """
    from foresell.services.file_inputs import find_file_inputs

    path, mappings = _what_and_how(request)
    return find_file_inputs(path, mappings, request.options, note)


def _what_and_how(request: ImportRequest) -> tuple[Path, dict[str, Mapping]]:
    """The path, and name of a file → mapping."""
    if request.mapping is not None:
        if request.preset is not None:
            raise InputError("A preset and a mapping are given", do="Leave out --as or --mapping.")
        if request.path is None:
            raise InputError(
                "A mapping needs a file to read", do="Write: foresell import FILE --mapping MAPPING.toml"
            )
        mapping = read_mapping(request.mapping)
        return request.path, {mapping.name: mapping}
    if request.preset is None:
        raise InputError(
            "How to read this file is not said", do=f"Add --as with one of: {', '.join(sorted(PRESETS))}."
        )
    if request.preset not in PRESETS:
        raise InputError(f"There is no preset '{request.preset}'", do=did_you_mean(request.preset, PRESETS))
    preset = PRESETS[request.preset]
    path = preset.installed() if request.path is None else request.path
    return path, {name: with_identities(mapping) for name, mapping in preset.mappings.items()}
