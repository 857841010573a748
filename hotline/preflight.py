"""Looked at before anything is started: are the ports we are about to open free, can data be kept?"""

from __future__ import annotations

import errno
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput, HotlineError


@dataclass(frozen=True, slots=True)
class WantedPort:
    """A port to be opened; `setting` is what a person changes to move it, e.g. `HOTLINE_WEB__PORT`."""

    host: str
    port: int
    setting: str
    udp: bool = False


class PortsTaken(HotlineError):
    """At least one port cannot be opened; `problems` has one entry for each."""

    def __init__(self, problems: Sequence[BadInput]) -> None:
        super().__init__("cannot start: " + "; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def require_folder(folder: Path) -> None:
    """The folder for data, made if need be; `BadInput` naming its setting if nothing can be kept there."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(
            "HOTLINE_DATA_DIR", f"nothing can be kept in {folder} ({error.strerror}): name another folder"
        ) from error


def require_free(wanted: Sequence[WantedPort]) -> None:
    """`PortsTaken`, naming each port that cannot be opened with its setting; nothing stays open."""
    problems = [problem for one in wanted if (problem := _problem(one))]
    if problems:
        raise PortsTaken(problems)


def _problem(wanted: WantedPort) -> BadInput | None:
    kind = socket.SOCK_DGRAM if wanted.udp else socket.SOCK_STREAM
    shown = f"{wanted.host}:{wanted.port}/{'udp' if wanted.udp else 'tcp'}"
    try:
        family, _, _, _, address = socket.getaddrinfo(wanted.host, wanted.port, type=kind)[0]
        with socket.socket(family, kind) as probe:
            if not wanted.udp:  # as a server does: connections that linger after a stop are no obstacle
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        return BadInput(wanted.setting, f"{wanted.host!r} is no address of this machine ({error.strerror})")
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: f"{shown} is taken by another program: end that one, or set another port",
            errno.EACCES: f"{shown} is reserved for root: set a port above 1023",
            errno.EADDRNOTAVAIL: f"{wanted.host} is no address of this machine: set one that is, or 0.0.0.0",
        }
        return BadInput(wanted.setting, reasons.get(error.errno or 0, f"{shown} cannot be opened ({error})"))
    return None
