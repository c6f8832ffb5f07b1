"""Database servers of our own: on a free port, in a temporary folder, ended by their process id."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

USER, PASSWORD = "shop", "geheim-4711"
# Servers refuse to be run by root.
OTHER_USER = "nobody"
WAIT_SECONDS = 60


def find_program(name: str, *folders: str) -> str | None:
    """A server's program; Debian keeps some apart from the others."""
    places = [path for pattern in folders for path in sorted(Path("/").glob(pattern.lstrip("/")))]
    found = shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ["PATH"], "/usr/sbin"]))
    return None if found is None else str(Path(found).resolve())


def find_postgres() -> str | None:
    return find_program("postgres", "/usr/lib/postgresql/*/bin")


def find_mariadb() -> str | None:
    return find_program("mariadbd") or find_program("mysqld")


class Server:
    """A server in a folder of its own. `command(folder, port)`: what runs it in the foreground."""

    def __init__(self, command: Callable[[Path, int], Sequence[str]]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="foresell-server-"))
        self.port = free_port()
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        if os.getuid() == 0:
            shutil.chown(self.folder, OTHER_USER)

    def run(self, *command: str) -> None:
        """Run a command to its end as the server's user."""
        ended = subprocess.run(
            [*_as_other_user(), *command], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def start(self, is_ready: Callable[[], bool]) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [*_as_other_user(), *self._command(self.folder, self.port)]
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + WAIT_SECONDS
        while not is_ready():
            said = (self.folder / "log").read_text(errors="replace")[-2000:]
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)

    def stop(self) -> None:
        """At once: what the server holds is thrown away anyway, unless it is started again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgreSQL:
    """A PostgreSQL with a database `shop`, whose user needs a password."""

    scheme = "postgresql"

    def __init__(self) -> None:
        program = find_postgres()
        assert program is not None
        self.server = Server(lambda folder, port: self._command(program, folder, port))
        (self.server.folder / "password").write_text(PASSWORD)
        (self.server.folder / "password").chmod(0o644)
        initdb = str(Path(program).with_name("initdb"))
        data = str(self.server.folder / "data")
        options = ("-A", "scram-sha-256", "--pwfile", "password", "-E", "UTF8", "--locale", "C.UTF-8", "-N")
        self.server.run(initdb, "-D", data, "-U", USER, *options)
        self.start()
        self.execute(f"CREATE DATABASE {USER}", database="postgres")

    def _command(self, program: str, folder: Path, port: int) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "shared_buffers": "64MB",
            "max_connections": "20",
        }
        chosen = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [program, "-D", str(folder / "data"), "-p", str(port), *chosen]

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.server.port}/{USER}"

    def start(self) -> None:
        self.server.start(self._is_ready)

    def _is_ready(self) -> bool:
        import psycopg

        try:
            return bool(self.execute("SELECT 1", database="postgres"))
        except psycopg.OperationalError:
            return False

    def execute(self, statement: str, database: str = USER) -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last."""
        import psycopg

        place = {"host": "127.0.0.1", "port": self.server.port, "user": USER, "password": PASSWORD}
        with psycopg.connect(dbname=database, autocommit=True, **place) as connection:  # type: ignore[arg-type]
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def end_connections(self) -> int:
        """End every connection that Foresell holds; how many there were."""
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'foresell'"
        return len(self.execute(ended))


class MariaDB:
    """A MariaDB with a database `shop`, whose user needs a password and may only read."""

    scheme = "mysql"

    def __init__(self) -> None:
        program = find_mariadb()
        install = find_program("mariadb-install-db") or find_program("mysql_install_db")
        assert program is not None
        assert install is not None
        self.server = Server(lambda folder, port: self._command(program, folder, port))
        data = f"--datadir={self.server.folder / 'data'}"
        self.server.run(
            install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db"
        )
        self.start()
        self.execute(
            f"CREATE DATABASE {USER}; CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'; "
            f"GRANT SELECT ON {USER}.* TO {USER}@'%'",
            database="mysql",
        )

    def _command(self, program: str, folder: Path, port: int) -> list[str]:
        return [
            program,
            "--no-defaults",
            f"--datadir={folder / 'data'}",
            f"--socket={folder / 'socket'}",
            f"--pid-file={folder / 'pid'}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            "--innodb-buffer-pool-size=64M",
            "--innodb-flush-log-at-trx-commit=2",
            "--sql-mode=",
        ]

    @property
    def url(self) -> str:
        return f"mysql://{USER}@127.0.0.1:{self.server.port}/{USER}"

    def start(self) -> None:
        self.server.start(self._is_ready)

    def _is_ready(self) -> bool:
        import pymysql

        try:
            # The driver leaves a socket open that could not be connected.
            socket.create_connection(("127.0.0.1", self.server.port)).close()
            return bool(self.execute("SELECT 1", database="mysql"))
        except (pymysql.err.OperationalError, OSError):
            return False

    def execute(self, statement: str, database: str = USER) -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last."""
        import pymysql
        from pymysql.constants import CLIENT

        connection = pymysql.connect(
            unix_socket=str(self.server.folder / "socket"),
            user="root",
            database=database,
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                rows = cursor.fetchall()
                while cursor.nextset():
                    rows = cursor.fetchall()
                return list(rows)
        finally:
            connection.close()

    def end_connections(self) -> int:
        """End every connection of the shop's user; how many there were."""
        found = self.execute(f"SELECT id FROM information_schema.processlist WHERE user = '{USER}'")
        for (number,) in found:
            self.execute(f"KILL CONNECTION {number}")
        return len(found)


class SQLiteFile:
    """A SQLite database in a file."""

    scheme = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        import sqlite3

        connection = sqlite3.connect(self.path)
        try:
            if statement.lstrip().upper().startswith("SELECT"):
                return connection.execute(statement).fetchall()
            connection.executescript(statement)
            return []
        finally:
            connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_other_user() -> list[str]:
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={OTHER_USER}", "--regid=nogroup", "--clear-groups"]
