"""What a reader is asked for and what it hands back: a file as raw Parquet parts in file order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import BackendError, InputError, did_you_mean, plain_reason
from foresell.sources.source import Source
from foresell.store.engine import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Given the column names of a file, the SQL expressions of those to be replaced before anything is stored.
Projection = Callable[[Sequence[str]], Mapping[str, str]]

PART = "part-00000.parquet"
REJECTS = "rejects.parquet"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a file; None: found out from the file.

    `encoding` is a Python codec. `fallback_encoding` decodes the lines of a UTF-8 file that are not
    valid UTF-8; without it their broken bytes become replacement characters. `quote=""`: no quoting.
    `sheet`: of a workbook. `header_row`: the line of a text, or the row of a sheet, that names the columns,
    from 1; what stands above it is left out.
    """

    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    fallback_encoding: str | None = None
    has_header: bool = True
    quote: str = '"'
    sheet: str | None = None
    header_row: int | None = None


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file as it now lies in the staging folder.

    `num_rows`: rows in the parts. `num_rejected`: rows in `rejects.parquet`. `sha256`: of the file's
    bytes as they were, compression included. `details`: what was found out (delimiter, encoding,
    warnings, counts of stripped NUL bytes and of replacement characters). `position`: where the next
    reading of this source begins, as JSON; None where it has no memory.
    """

    columns: tuple[str, ...]
    num_rows: int
    num_rejected: int
    sha256: str
    format: str
    details: Mapping[str, Any] = field(default_factory=dict)
    position: str | None = None


def read_options(tree: Mapping[str, Any], *, where: str) -> ReadOptions:
    """Options from a TOML or JSON table; an unknown key names the closest known one."""
    known = {option.name: option for option in fields(ReadOptions)}
    for key, value in tree.items():
        if key not in known:
            raise InputError(f"{where}: there is no option '{key}'", do=did_you_mean(key, known))
        wanted: type = {"has_header": bool, "header_row": int}.get(key, str)
        if type(value) is not wanted or value == 0:
            raise InputError(f"{where}: '{key}' must be a {wanted.__name__}", received=repr(value))
    return ReadOptions(**tree)


def clean_names(names: Sequence[str], source: Source) -> tuple[str, ...]:
    """Column names without byte-order mark and surrounding whitespace.

    Raises InputError where one is empty or two are equal (upper and lower case do not differ).
    """
    cleaned = tuple(name.replace("\ufeff", "").replace("\0", "").strip() for name in names)
    seen: dict[str, str] = {}
    for position, name in enumerate(cleaned, 1):
        if not name:
            raise InputError(
                f"Column {position} of {source.name} has no name",
                received=", ".join(cleaned),
                do="Give every column a name in the first line, or say that there is no header.",
            )
        if name.casefold() in seen:
            raise InputError(
                f"{source.name} has two columns named '{name}'",
                received=", ".join(cleaned),
                do="Rename one of them (upper and lower case do not tell columns apart).",
            )
        seen[name.casefold()] = name
    return cleaned


@contextmanager
def file_order(connection: "DuckDBPyConnection") -> Iterator[None]:
    """Within the block, DuckDB hands out rows in the order of the file they come from."""
    [(kept,)] = connection.execute("SELECT current_setting('preserve_insertion_order')").fetchall()
    connection.execute("SET preserve_insertion_order = true")
    try:
        yield
    finally:
        connection.execute(f"SET preserve_insertion_order = {str(bool(kept)).lower()}")


def copy_to_part(connection: "DuckDBPyConnection", select: str, into: Path, name: str = PART) -> int:
    """Write a SELECT as one Parquet part, in the order of its rows; how many rows it had."""
    part = into / name
    try:
        with file_order(connection):
            copy = f"COPY ({select}) TO {literal(str(part))} (FORMAT parquet, COMPRESSION zstd)"
            [(written,)] = connection.execute(copy).fetchall()
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return int(written)


@contextmanager
def errors_told(name: str, format_name: str) -> Iterator[None]:
    """Within the block, what fails below a reader is an error that a user can understand."""
    import duckdb

    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
        raise BackendError(
            f"{name} could not be read into the store: {plain_reason(error)}",
            do="Check free disk space and permissions, or raise engine.memory_limit.",
        ) from error
    except duckdb.Error as error:
        raise InputError(
            f"{name} cannot be read as {format_name}: {str(error).splitlines()[0]}",
            do="Check the file's format, delimiter and encoding.",
        ) from error


def projected(columns: Sequence[str], projection: Mapping[str, str]) -> str:
    """The SELECT list of a file's columns, the replaced ones as their expressions."""
    return ", ".join(
        f"{projection[name]} AS {quoted(name)}" if name in projection else quoted(name) for name in columns
    )
