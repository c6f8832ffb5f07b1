"""The Shop: an open store, as every service receives it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from foresell.contracts.settings import Settings, make_settings
from foresell.privacy.tokens import make_key, read_key
from foresell.store.engine import DuckDBViews, EngineTables, SparkViews, spark_session
from foresell.store.folder import StoreFolder, create_store, open_store

if TYPE_CHECKING:
    import duckdb

    from foresell.matching.resolve import MatchedTables

Engine = Literal["duckdb", "spark"]

# Called with what is being done, how far it is, and how far it goes (None: unknown).
Progress = Callable[[str, float, float | None], None]


def silent(_doing: str, _done: float, _total: float | None) -> None:
    """The progress of somebody who does not look."""


def counting(progress: Progress, num_steps: int) -> Callable[[str], None]:
    """A `say` that counts its steps."""
    done = 0

    def say(step: str) -> None:
        nonlocal done
        progress(step, done, num_steps)
        done += 1

    return say


class Shop:
    """One store and its settings. Reading takes no lock; writing takes the store's."""

    def __init__(self, folder: StoreFolder) -> None:
        self.folder = folder
        self.settings: Settings = folder.settings

    @property
    def key(self) -> bytes:
        return read_key(self.folder.store_id)

    @contextmanager
    def reading(self, engine: Engine = "duckdb") -> Iterator[EngineTables]:
        """The shop's tables. Views follow commits of other processes from one table to the next."""
        if engine == "spark":
            yield EngineTables(SparkViews(spark_session()), self.folder.files)
            return
        with self.connect() as connection:
            yield EngineTables(DuckDBViews(connection), self.folder.files)

    @contextmanager
    def reading_matched(self, engine: Engine = "duckdb") -> Iterator["MatchedTables"]:
        """The shop's tables with every person once and every order once, by the links believed now."""
        from foresell.matching.resolve import MatchedTables

        with self.reading(engine) as tables:
            yield MatchedTables(tables)

    @contextmanager
    def connect(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        with self.folder.connect(self.settings) as connection:
            yield connection


def create_shop(root: Path, choices: dict[str, dict[str, object]] | None = None) -> Shop:
    """Make a store with these settings (section → key → value; the rest are defaults) and its key."""
    settings = make_settings(choices or {})
    folder = create_store(root, settings)
    make_key(folder.store_id)
    return Shop(folder)


def open_shop(root: Path) -> Shop:
    return Shop(open_store(root))
