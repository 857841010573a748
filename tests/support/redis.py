"""A throw-away Redis: on loopback and a port of its own, keeping nothing, gone afterwards.

with redis_server() as server:
    line = RelayLine(server.url, "test")
    with server.stopped(): ...
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PORTS = range(26379, 26399)
_START_S, _STOP_S = 30, 10


class RedisFailed(AssertionError):
    """The server did not do what a test needs of it."""


class RedisServer:
    """A running server. `port`: the same as long as it lives, across stops and starts."""

    def __init__(self, program: Path) -> None:
        self.port = 0
        self._program = program
        self._process: subprocess.Popen[str] | None = None
        self._reserved: IO[str] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of its process, while it runs."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    def begin(self) -> None:
        """Start it on the first port that is free."""
        for port in PORTS:
            if self._reserve(port) and self._start(port):
                return
        raise RedisFailed(f"no port of {PORTS} is free")

    def start(self) -> None:
        """Start it again on its port."""
        if not self._start(self.port):
            raise RedisFailed(f"the server does not start again on port {self.port}")

    def end(self) -> None:
        """Kill it, and give its port away."""
        self.kill()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def kill(self) -> None:
        """End it as a crash would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(_STOP_S)
            assert process.stdout is not None
            process.stdout.close()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It is down meanwhile, and has forgotten everything afterwards."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It holds its connections and says nothing at all meanwhile."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def _reserve(self, port: int) -> bool:
        """Keep the port from other runs of the tests, for the time while nobody listens there."""
        reserved = (Path(tempfile.gettempdir()) / f"hotline-redis-{port}.lock").open("w")
        try:
            fcntl.flock(reserved, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reserved.close()
            return False
        self.end()
        self._reserved = reserved
        return True

    def _start(self, port: int) -> bool:
        given = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no"}
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", self._program, *_options(given)],
            cwd=self._program.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )
        assert process.stdout is not None
        for line in process.stdout:  # it says few lines in its life: the pipe never fills
            if "Ready to accept connections" in line:
                self.port, self._process = port, process
                return True
        process.wait(_START_S)
        process.stdout.close()
        return False


def _options(given: dict[str, object]) -> list[str]:
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A server that runs until the block ends, however it ends."""
    with tempfile.TemporaryDirectory(prefix="hotline-redis-") as folder:
        server = RedisServer(_program(Path(folder)))
        server.begin()
        try:
            yield server
        finally:
            server.end()


def _program(folder: Path) -> Path:
    """Redis' one program under the name that makes a server of it, as the package redis-server links it."""
    found = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    if found is None:
        raise RedisFailed("no program of Redis is here: ./run setup installs it")
    link = folder / "redis-server"
    link.symlink_to(Path(found).resolve())
    return link
