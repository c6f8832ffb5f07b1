"""The engines that read the tables: DuckDB in memory, or Spark, both through Ibis.

Both read the same Parquet files. A relation holds every recorded row (`<table>_history`) and, as
a second view, the current ones (`<table>`).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from foresell.contracts.columns import Column, Type
from foresell.contracts.errors import BackendError, NotFoundError, did_you_mean
from foresell.contracts.records import RECORDS
from foresell.contracts.results import RESULTS
from foresell.contracts.settings import EngineSettings
from foresell.contracts.tables import TABLES, Table
from foresell.store.journal import SUFFIX as JOURNAL_SUFFIX

if TYPE_CHECKING:
    import duckdb
    import ibis.expr.types as ir

ListFiles = Callable[[str], Sequence[str]]

ALL_TABLES: Mapping[str, Table] = {**TABLES, **RESULTS, **RECORDS}

SPARK_TYPES: dict[Type, str] = {
    "string": "string",
    "decimal": "decimal(18,4)",
    "timestamp": "timestamp",
    "date": "date",
    "integer": "bigint",
    "float": "double",
    "boolean": "boolean",
    "json": "string",
    "floats": "array<float>",
}


def quoted(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A SQL string literal, for the few places that take no parameter (views, COPY)."""
    return "'" + value.replace("'", "''") + "'"


def connect(settings: EngineSettings, spill_folder: Path | None = None) -> "duckdb.DuckDBPyConnection":
    """An in-memory DuckDB within the memory limit, in UTC, that never downloads an extension."""
    import duckdb

    options: dict[str, Any] = {
        "memory_limit": settings.memory_limit,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
    }
    if settings.threads:
        options["threads"] = settings.threads
    if spill_folder is not None:
        options["temp_directory"] = str(spill_folder)
    return _in_utc(duckdb.connect(":memory:", config=options))


def open_another(connection: "duckdb.DuckDBPyConnection") -> "duckdb.DuckDBPyConnection":
    """Another connection to the DuckDB of this one, with temporary tables and variables of its own."""
    return _in_utc(connection.cursor())


def _in_utc(connection: "duckdb.DuckDBPyConnection") -> "duckdb.DuckDBPyConnection":
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def typed_empty(columns: Sequence[Column]) -> str:
    """A SELECT of no rows that has exactly these columns."""
    selected = ", ".join(f"CAST(NULL AS {c.sql_type}) AS {quoted(c.name)}" for c in columns)
    return f"SELECT {selected} WHERE false"


def read_files(columns: Sequence[Column], uris: Sequence[str], *, with_position: bool = False) -> str:
    """A SELECT over Parquet files, and over journals of logs; a column that no file has yet is null.

    `with_position` adds `filename` and `file_row_number`, which say where each row of Parquet lies.
    """
    parquet, journals = _by_format(uris)
    sources = [typed_empty(columns)]
    if parquet:
        files = ", ".join(literal(uri) for uri in parquet)
        position = ", filename=true, file_row_number=true" if with_position else ""
        options = f"union_by_name=true, hive_partitioning=false{position}"
        sources.append(f"SELECT * FROM read_parquet([{files}], {options})")
    if journals:
        sources.append(_read_journals(columns, journals))
    return " UNION ALL BY NAME ".join(sources)


def _by_format(uris: Sequence[str]) -> tuple[list[str], list[str]]:
    """The Parquet files and the journals of a log."""
    journals = [uri for uri in uris if uri.endswith(JOURNAL_SUFFIX)]
    return [uri for uri in uris if not uri.endswith(JOURNAL_SUFFIX)], journals


def _read_journals(columns: Sequence[Column], uris: Sequence[str]) -> str:
    """The whole lines: of one that is torn or damaged no column is there, so it lacks those required."""
    files = ", ".join(literal(uri) for uri in uris)
    types = ", ".join(f"{literal(c.name)}: {literal(c.sql_type)}" for c in columns)
    whole = " AND ".join(f"{quoted(c.name)} IS NOT NULL" for c in columns if c.required)
    return (
        f"SELECT * FROM read_json([{files}], format='newline_delimited', ignore_errors=true, "
        f"columns={{{types}}}) WHERE {whole}"
    )


def is_current(table: Table) -> str:
    """The SQL condition of a row that is believed, and true in the world, now."""
    conditions = ["superseded_at IS NULL"] if table.has_lineage else ["true"]
    if table.is_versioned:
        conditions.append("valid_to IS NULL")
    return " AND ".join(conditions)


def key_text(table: Table) -> str:
    """A SQL expression: the key of a row as one text, different for different keys."""
    parts = [f"coalesce(CAST({quoted(name)} AS VARCHAR), '')" for name in table.key]
    return parts[0] if len(parts) == 1 else f"concat_ws(chr(31), {', '.join(parts)})"


class View(Protocol):
    """One engine's way to make a view over Parquet files and read it back."""

    def make(self, table: Table, uris: Sequence[str]) -> None: ...

    def read(self, view: str) -> "ir.Table": ...


class DuckDBViews:
    def __init__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        from foresell.store.compiled_sql import CompiledOnce

        self.connection = connection
        self.backend = CompiledOnce.from_connection(connection)

    def make(self, table: Table, uris: Sequence[str]) -> None:
        history = f"{table.name}_history"
        rows = read_files(table.columns, uris)
        self.connection.execute(f"CREATE OR REPLACE VIEW {quoted(history)} AS {rows}")
        current = f"SELECT * FROM {quoted(history)} WHERE {is_current(table)}"
        self.connection.execute(f"CREATE OR REPLACE VIEW {quoted(table.name)} AS {current}")

    def read(self, view: str) -> "ir.Table":
        return self.backend.table(view)


class SparkViews:
    def __init__(self, session: Any) -> None:
        import ibis

        session.conf.set("spark.sql.session.timeZone", "UTC")
        self.session = session
        self.backend = ibis.pyspark.connect(session)

    def make(self, table: Table, uris: Sequence[str]) -> None:
        schema = ", ".join(f"`{c.name}` {SPARK_TYPES[c.type]}" for c in table.columns)
        rows = self.session.createDataFrame([], schema)
        parquet, journals = _by_format(uris)
        if parquet:
            rows = self.session.read.schema(schema).parquet(*parquet)
        if journals:
            lines = self.session.read.schema(schema).json(journals, mode="DROPMALFORMED")
            rows = rows.unionByName(lines.dropna(subset=[c.name for c in table.columns if c.required]))
        rows.createOrReplaceTempView(f"{table.name}_history")
        rows.where(is_current(table)).createOrReplaceTempView(table.name)

    def read(self, view: str) -> "ir.Table":
        return self.backend.table(view)


class EngineTables:
    """The `Tables` of the contracts, over an engine and the files of each table.

    Views are made at first use and again when the files of a table have changed.
    """

    def __init__(self, views: View, list_files: ListFiles) -> None:
        self._views = views
        self._list_files = list_files
        self._made: dict[str, tuple[str, ...]] = {}
        self._read: dict[str, ir.Table] = {}

    def current(self, name: str) -> "ir.Table":
        self._refresh(name)
        return self._view(name)

    def history(self, name: str) -> "ir.Table":
        self._refresh(name)
        return self._view(f"{name}_history")

    def _view(self, view: str) -> "ir.Table":
        if view not in self._read:
            self._read[view] = self._views.read(view)
        return self._read[view]

    def has_rows(self, name: str) -> bool:
        if not self._list_files(name):
            return False
        return int(self.current(name).limit(1).count().execute()) > 0

    def refresh_all(self) -> None:
        """Make every view, so that plain SQL can name any table."""
        for name in ALL_TABLES:
            self._refresh(name)

    def _refresh(self, name: str) -> None:
        if name not in ALL_TABLES:
            raise NotFoundError(f"There is no table '{name}'", do=did_you_mean(name, ALL_TABLES))
        uris = tuple(self._list_files(name))
        if self._made.get(name) != uris:
            self._views.make(ALL_TABLES[name], uris)
            self._made[name] = uris
            self._read.pop(name, None)
            self._read.pop(f"{name}_history", None)


def spark_session() -> Any:
    """Spark in local mode, on this machine only, without its web page."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise BackendError(
            "Spark is not installed", do="Install the extra: pip install 'foresell[spark]' (needs Java 17)."
        ) from error
    builder = SparkSession.builder.master("local[2]").appName("foresell")
    options = {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.driver.memory": "2g",
    }
    for key, value in options.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
