"""Fixed ports for tests: a block of them that belongs to this process of tests alone, as long as it lives.

    PORTS = own()
    NodeSpec(sip_port=PORTS.sip, ami_port=PORTS.ami, ...)

Workers of one run, and runs in several checkouts, work at the same time on one machine: each process holds a
lock on its block. Within a process one test follows another, and they all use the same ports. Whoever can let
the system choose a port, binds 0; PostgreSQL and Redis take the next one when one is taken.
"""

from __future__ import annotations

import fcntl
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

SIZE = 1_600
"""Ten ports of servers, 100 of SIPp, and sound: the demo takes 1,480 ports for it."""
SPACES = (
    range(10_000, 15_000),
    range(16_510, 20_000),
    range(21_400, 25_400),
    range(30_000, 32_768),
    range(61_000, 65_536),
)
"""What is left by the demo (15038 and on, 20000 and on), the benches (16500 and on, 28000 and on), PostgreSQL
and Redis of tests (25432 and on, 26379 and on), and by the ports that the system
gives away itself (32768 to 60999)."""


class Ports(NamedTuple):
    """`spare`: for further servers. `people`: where SIPp sits. `sound`: RTP, of Asterisk and of SIPp."""

    sip: int
    ami: int
    web: int
    spare: range
    people: range
    sound: range


_held: list[IO[str]] = []
"""The lock file of the block: the lock goes when it is closed, at the latest with the process."""


@cache
def own() -> Ports:
    """This process's block; AssertionError if there are more processes of tests than blocks."""
    for first in _blocks():
        lock = (Path(tempfile.gettempdir()) / f"hotline-ports-{first}.lock").open("w")
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ports = _divided(first)
            if _nobody_listens(ports):
                _held.append(lock)
                return ports
        lock.close()
    raise AssertionError(
        f"all {len(list(_blocks()))} blocks of ports are in use: let other runs of tests end, "
        "or see with `ss -lptu` what they have left behind"
    )


def _blocks() -> Iterator[int]:
    for space in SPACES:
        yield from range(space.start, space.stop - SIZE + 1, SIZE)


def _divided(first: int) -> Ports:
    return Ports(
        sip=first,
        ami=first + 1,
        web=first + 2,
        spare=range(first + 3, first + 10),
        people=range(first + 10, first + 110),
        sound=range(first + 110, first + SIZE),
    )


def _nobody_listens(ports: Ports) -> bool:
    """Whether no server of a run that was killed is left over."""
    tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
    for port, kind in ((ports.sip, udp), (ports.ami, tcp), (ports.web, tcp)):
        with socket.socket(socket.AF_INET, kind) as trial:
            if kind is tcp:  # connections that have just been closed are no hindrance
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
