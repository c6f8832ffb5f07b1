"""What a request of an import asks for: inputs, each of which becomes one run."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.sources import PRESETS
from foresell.sources.mapping import Mapping, read_mapping, with_identities
from foresell.sources.readers import ReadOptions, StagedFile, stage_file
from foresell.sources.staging import Projection
from foresell.store.raw import file_sha256

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Stage = Callable[["DuckDBPyConnection", Path, Projection], StagedFile]


@dataclass(frozen=True)
class ImportRequest:
    """What to import. `preset` names one of PRESETS; `mapping` is a TOML file; one of the two.

    `path` may be left out for a preset that knows where its data lies. `options` go before those of the
    mapping. `may_lack_columns`: see `file_notes.review_columns`. `is_snapshot`: each file is a full dump,
    true from the local day `as_of` (None: see `dump_dates`); `may_shrink`: however many keys it lacks.
    """

    path: Path | None
    preset: str | None = None
    mapping: Path | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    may_lack_columns: bool = False
    is_snapshot: bool = False
    as_of: date | None = None
    may_shrink: bool = False


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


def find_inputs(request: ImportRequest) -> list[Input]:
    """The inputs of a request, in the order of import.

    Errors: NotFoundError (no such file), InputError (it is not said how to read it).
    """
    return [_file_input(path, mapping, request.options) for path, mapping in _find_files(request)]


def _file_input(path: Path, mapping: Mapping, given: ReadOptions) -> Input:
    options = _combined(given, mapping.read)
    return Input(path.name, mapping, partial(_stage, path, options), partial(_fingerprint, path))


def _stage(
    path: Path, options: ReadOptions, connection: "DuckDBPyConnection", into: Path, projection: Projection
) -> StagedFile:
    return stage_file(connection, path, into, options=options, projection=projection)


def _find_files(request: ImportRequest) -> list[tuple[Path, Mapping]]:
    if request.path is not None and not request.path.exists():
        raise NotFoundError(f"There is no file {request.path}", do="Check the path.")
    if request.mapping is not None:
        if request.preset is not None:
            raise InputError("A preset and a mapping are given", do="Leave out --as or --mapping.")
        if request.path is None or request.path.is_dir():
            raise InputError(
                "A mapping needs a file to read",
                received=request.path,
                do="Write: foresell import FILE --mapping MAPPING.toml",
            )
        return [(request.path, read_mapping(request.mapping))]
    if request.preset is None:
        raise InputError(
            "How to read this file is not said", do=f"Add --as with one of: {', '.join(sorted(PRESETS))}."
        )
    if request.preset not in PRESETS:
        raise InputError(f"There is no preset '{request.preset}'", do=did_you_mean(request.preset, PRESETS))
    files = PRESETS[request.preset].files(request.path)
    return [(path, with_identities(mapping)) for path, mapping in files]


def _fingerprint(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read", received=error.strerror, do="Check its permissions."
        ) from error


def _combined(given: ReadOptions, of_mapping: ReadOptions) -> ReadOptions:
    """The mapping's options, but for those that differ from the defaults in what the user has given."""
    default = ReadOptions()
    names = [option.name for option in fields(ReadOptions)]
    chosen = {name: getattr(given, name) for name in names if getattr(given, name) != getattr(default, name)}
    return replace(of_mapping, **chosen)
