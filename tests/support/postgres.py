"""A throw-away PostgreSQL: a cluster of its own in a temporary folder, on loopback only, gone afterwards.

    with cluster() as server:
        database = server.create("main", template="template0")
        url = server.url(database)

Nothing of the machine's own clusters is used but the programs. Commits are not synced: a test that is about
what survives stops the server, not the machine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql

PORTS = range(25432, 25456)
ADMIN, OWNER = "postgres", "hotline"
"""The server's superuser, and the role that owns the databases, with no more rights than in operation."""
KEYED, PASSWORD = "keyed", "open sesame"
"""The one role that has to give a password; all others are trusted."""

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
}
_NOTHING_ELSE: Mapping[str, str] = MappingProxyType({})
_HBA = f"host all {KEYED} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
_START_S, _STOP_S = 60, 30
_NEEDS = 500_000_000  # bytes
_PREFIX = "hotline-postgresql-"


class ServerFailed(AssertionError):
    """The server did not do what a test needs of it; its log says why."""


class Cluster:
    """A running server. `port`: the same as long as it lives, across stops and starts."""

    def __init__(self, programs: Path, folder: Path, settings: Mapping[str, str]) -> None:
        self.port = 0
        self._settings = settings
        self._programs = programs
        self._folder = folder
        self._running: _Running | None = None
        self._log: list[str] = []
        self._count = 0

    # ------------------------------------------------------------------ life

    def initialise(self) -> None:
        """Make the cluster's files, and start it on the first port that is free."""
        data, user = self._folder / "data", _somebody()
        shutil.chown(self._folder, user, None if user is None else _group(user))
        wanted = ["--username", ADMIN, "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"]
        made = subprocess.run(
            [*_as(user), self._programs / "initdb", "--pgdata", data, "--no-sync", *wanted],
            cwd=self._folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=_START_S,
        )
        if made.returncode != 0:
            raise ServerFailed(f"initdb failed:\n{made.stdout}{made.stderr}")
        (data / "pg_hba.conf").write_text(_HBA, "utf-8")
        for port in PORTS:
            if self._start(port):
                break
        else:
            raise ServerFailed(f"no port of {PORTS} is free\n{self.log}")
        with self.admin() as connection:
            connection.execute(f"CREATE ROLE {OWNER} LOGIN")
            connection.execute(f"CREATE ROLE {KEYED} LOGIN PASSWORD '{PASSWORD}'")

    def start(self) -> None:
        """Start it again on its port."""
        if not self._start(self.port):
            raise ServerFailed(f"the server does not start again on port {self.port}\n{self.log}")

    def stop(self) -> None:
        """Stop it; whoever is connected is cut off."""
        running, self._running = self._running, None
        if running is None:
            return
        running.process.send_signal(signal.SIGINT)  # a fast shutdown
        try:
            running.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            running.process.send_signal(signal.SIGQUIT)
        running.ended()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The server is down meanwhile."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server holds its connections and takes new ones, and says nothing at all meanwhile."""
        pids = self.processes
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @property
    def processes(self) -> list[int]:
        """The ids of its processes: the first, then one for each connection and task of its own."""
        assert self._running is not None
        return _family(self._running.process.pid)

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return "".join(self._log)

    # ------------------------------------------------------------------ databases

    def create(self, name: str = "t", *, template: str = "template0", encoding: str = "UTF8") -> str:
        """A new database like `template`; its name."""
        self._count += 1
        name = f"{name}_{self._count}"
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            *map(sql.Identifier, (name, OWNER, template))
        )
        if encoding != "UTF8":
            statement += sql.SQL(" ENCODING {} LOCALE 'C'").format(encoding)
        with self.admin() as connection:
            if (
                connection.info.server_version >= 150_000
            ):  # a seventh of the time; before, there was no other way
                statement += sql.SQL(" STRATEGY file_copy")
            connection.execute(statement)
        return name

    def drop(self, *names: str) -> None:
        """Remove databases, and whoever is still connected to them."""
        with self.admin() as connection:
            for name in names:
                statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                connection.execute(statement.format(sql.Identifier(name)))

    def url(self, database: str, *, user: str = OWNER, password: str = "", host: str = "127.0.0.1") -> str:
        """The URL by which the program reaches it."""
        key = f":{password}" if password else ""
        return f"postgresql+psycopg://{user}{key}@{host}:{self.port}/{database}"

    def connect(self, database: str, *, user: str = OWNER) -> psycopg.Connection[Any]:
        """A connection of somebody else, who commits each statement by itself."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=user, dbname=database, autocommit=True, connect_timeout=30
        )

    def admin(self) -> psycopg.Connection[Any]:
        """A connection of the superuser."""
        return self.connect("postgres", user=ADMIN)

    # ------------------------------------------------------------------ inside

    def _start(self, port: int) -> bool:
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        data = ["-D", self._folder / "data", f"--port={port}"]
        process = subprocess.Popen(
            [*_as(_somebody()), self._programs / "postgres", *data, *options],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
        )
        running = _Running(process, self._log)
        if not running.serves():
            process.kill()
            running.ended()
            return False
        self.port, self._running = port, running
        return True


class _Running:
    """The server's process, and a thread that reads what it says."""

    def __init__(self, process: subprocess.Popen[str], log: list[str]) -> None:
        self.process = process
        self._log = log
        self._told = threading.Event()
        self._serves = False
        self._reader = threading.Thread(target=self._read, name="postgresql-log", daemon=True)
        self._reader.start()

    def serves(self) -> bool:
        """Whether it takes connections; False if it ends instead."""
        return self._told.wait(_START_S) and self._serves

    def ended(self) -> None:
        """Wait for its end, which somebody has asked for."""
        self.process.wait(_STOP_S)
        self._reader.join(_STOP_S)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._log.append(line)
            if "ready to accept connections" in line:
                self._serves = True
                self._told.set()
        self._told.set()


@contextmanager
def cluster(room: Path | None = None, settings: Mapping[str, str] = _NOTHING_ELSE) -> Iterator[Cluster]:
    """A server that runs until the block ends, however it ends.

    `room`: the folder to make it in, for more than fits into memory. `settings`: other than a test's.
    """
    room = room or _room()
    _sweep(room)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=room))
    server = Cluster(_programs(), folder, {**_SETTINGS, **settings})
    with (folder / "held").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            server.initialise()
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder)


def _room() -> Path:
    """Memory, where a new database takes a tenth of the time, if there is enough; else the disk."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it has a name of its own
    enough = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _NEEDS
    return memory if enough else Path(tempfile.gettempdir())


def _sweep(room: Path) -> None:
    """Remove what killed test runs have left behind; their servers have died with them."""
    for mark in room.glob(f"{_PREFIX}*/held"):
        with suppress(OSError), mark.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(mark.parent)


def _programs() -> Path:
    """The folder of the newest server programs of this machine."""
    found = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return max(found, key=lambda program: float(program.parts[4])).parent
    program = shutil.which("initdb")
    if program is None:
        raise ServerFailed("no PostgreSQL server programs are here: ./run setup installs them")
    return Path(program).resolve().parent


def _somebody() -> str | None:
    """Who runs the server: it refuses to run as root. None: whoever we are."""
    return "nobody" if os.geteuid() == 0 else None


def _group(user: str) -> str:
    return subprocess.run(["id", "-gn", user], check=True, capture_output=True, text=True).stdout.strip()


def _as(user: str | None) -> list[str]:
    """In front of a command: as this user, and gone with us even if we are killed."""
    become = [] if user is None else ["--reuid", user, "--regid", _group(user), "--clear-groups"]
    return ["setpriv", *become, "--pdeathsig", "INT", "--"]


def _family(pid: int) -> list[int]:
    """A process and its children; those that end while we look are left out."""
    family = [pid]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                family.append(int(stat.parent.name))
    return family
