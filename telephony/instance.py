"""One Asterisk of our own: found, checked, started, asked, stopped. `/etc/asterisk` is never looked at.

Two places are looked at: the machine's own `asterisk` if its version is wide enough, else a private Debian
root outside the checkout whose programs run by that root's own dynamic loader, without chroot.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import HotlineError

log = logging.getLogger(__name__)

LOWEST = (22, 10, 1)
BELOW = (23, 0, 0)
_TRIPLET = "x86_64-linux-gnu"
_LOADER = "lib64/ld-linux-x86-64.so.2"
_VERSION = re.compile(r"Asterisk (?:certified-)?(\d+)\.(\d+)\.(\d+)")
# Recordings are for owner and group. By the shell, since uvloop's subprocesses take no umask.
_CAREFUL = ("sh", "-c", 'umask 027 && exec "$@"', "sh")
# The address of a Unix socket may have 107 characters, and Asterisk cuts longer ones off in silence.
SOCKET_PATH_LIMIT = 107


class AsteriskProblem(HotlineError):
    """Asterisk cannot be found, started or asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Where Asterisk and SIPp are and how they are called. `root` is None for the system's own."""

    asterisk: tuple[str, ...]
    sipp: tuple[str, ...]
    modules: Path
    data: Path
    root: Path | None


def cache_dir() -> Path:
    """The cache outside the checkout, shared by all commands."""
    if given := os.environ.get("HOTLINE_CACHE"):
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "hotline95559"


def version_of(text: str) -> tuple[int, int, int] | None:
    """(major, minor, patch) out of what `asterisk -V` or `core show version` say; None if it is not there."""
    match = _VERSION.search(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def wide_enough(version: tuple[int, int, int]) -> bool:
    """Whether the facts this project relies on hold: 22.10.1 or a later 22.x."""
    return LOWEST <= version < BELOW


def in_root(root: Path) -> Programs:
    """The programs of a private Debian root; `AsteriskProblem` if they are not in it."""
    loader = root / _LOADER
    libraries = f"{root}/usr/lib/{_TRIPLET}:{root}/lib/{_TRIPLET}"
    asterisk, sipp = root / "usr/sbin/asterisk", root / "usr/bin/sipp"
    for needed in (loader, asterisk, sipp):
        if not needed.exists():
            raise AsteriskProblem(
                f"{root} has no {needed.name}: run ./run setup, or set HOTLINE_ASTERISK_ROOT"
            )
    start = (str(loader), "--library-path", libraries)
    return Programs(
        asterisk=(*start, str(asterisk)),
        sipp=(*start, str(sipp)),
        modules=root / f"usr/lib/{_TRIPLET}/asterisk/modules",
        data=root / "usr/share/asterisk",
        root=root,
    )


def _system() -> Programs | None:
    asterisk, sipp = shutil.which("asterisk"), shutil.which("sipp")
    if asterisk is None:
        return None
    return Programs(
        asterisk=(asterisk,),
        sipp=(sipp or "sipp",),
        modules=Path(f"/usr/lib/{_TRIPLET}/asterisk/modules"),
        data=Path("/usr/share/asterisk"),
        root=None,
    )


async def _run(command: Sequence[str], deadline: float) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), deadline)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise AsteriskProblem(f"{' '.join(command[-2:])}: no answer within {deadline:g} s") from None
    return process.returncode or 0, output.decode(errors="replace")


async def version(programs: Programs) -> tuple[int, int, int]:
    """The version of the Asterisk found; `AsteriskProblem` if it does not tell one."""
    _, output = await _run([*programs.asterisk, "-V"], 20)
    found = version_of(output)
    if found is None:
        raise AsteriskProblem(
            f"{programs.asterisk[-1]} -V says {output.strip()[:120]!r}, which is no version"
        )
    return found


async def find() -> Programs:
    """The Asterisk to use: HOTLINE_ASTERISK_ROOT, else the system's if wide enough, else the cached root."""
    if given := os.environ.get("HOTLINE_ASTERISK_ROOT"):
        return in_root(Path(given))
    system = _system()
    if system is not None and wide_enough(await version(system)):
        return system
    for name in ("asterisk", "trial"):
        if (cache_dir() / name / "usr/sbin/asterisk").exists():
            return in_root((cache_dir() / name).resolve())
    low = ".".join(map(str, LOWEST))
    raise AsteriskProblem(
        f"no Asterisk {low} or later 22.x here: ./run setup installs one into {cache_dir()}"
    )


async def sipp_command() -> tuple[str, ...]:
    """The words that start SIPp; its own arguments are appended."""
    return (await find()).sipp


class AsteriskInstance:
    """One Asterisk on one rendered node directory (see `telephony.nodefiles`).

    `wrapper` stands before the command, e.g. ("taskset", "-c", "0").
    """

    def __init__(self, node_dir: Path, programs: Programs, *, wrapper: Sequence[str] = ()) -> None:
        self.node_dir = node_dir
        self.config = node_dir / "etc" / "asterisk.conf"
        self._programs = programs
        self._wrapper = tuple(wrapper)
        self._process: asyncio.subprocess.Process | None = None
        self._output: Path = node_dir / "log" / "output"

    @property
    def pid(self) -> int:
        """The process's id; `AsteriskProblem` if it is not running."""
        if self._process is None:
            raise AsteriskProblem(f"{self.node_dir}: Asterisk is not running; start it first")
        return self._process.pid

    def require_config(self) -> None:
        """`AsteriskProblem` if the node has not been rendered."""
        if not self.config.is_file():
            raise AsteriskProblem(f"{self.config} is missing: `hotline prepare` makes it")

    @property
    def command(self) -> tuple[str, ...]:
        """The words that run it in the foreground."""
        return (*_CAREFUL, *self._wrapper, *self._programs.asterisk, "-C", str(self.config), "-f")

    async def start(self, deadline: float = 30) -> None:
        """Start it and return when it is fully booted; else stop it and say why it failed."""
        self.require_config()
        with self._output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C at a terminal is for us to hear, not for Asterisk
            )
        try:
            async with asyncio.timeout(deadline):
                await self._booted(self._process)
        except BaseException as problem:
            await self.kill()
            if isinstance(problem, TimeoutError):
                raise AsteriskProblem(
                    f"{self.node_dir}: not booted within {deadline:g} s; see {self._output}"
                ) from None
            raise

    async def _booted(self, process: asyncio.subprocess.Process) -> None:
        while True:
            if process.returncode is not None:
                raise AsteriskProblem(
                    f"{self.node_dir}: Asterisk ended with status {process.returncode}; see {self._output}"
                )
            # The control socket appears early, and the command on it waits for the end of the start.
            if (self.node_dir / "run" / "asterisk.ctl").exists():
                with contextlib.suppress(AsteriskProblem):
                    answer = await self.cli("core waitfullybooted")
                    if "fully booted" in answer:
                        return
            await asyncio.sleep(0.05)

    async def ended(self) -> int:
        """Returns when the process has ended, whoever ended it: its exit status."""
        if self._process is None:
            raise AsteriskProblem(f"{self.node_dir}: Asterisk is not running; start it first")
        return await self._process.wait()

    async def keep(self, say: Callable[[str], None]) -> None:
        """Start it again whenever it has ended, as a supervisor would; `say` is told in words."""
        while True:
            status = await self.ended()
            say(f"Asterisk has ended (status {status}): it is started again")
            await self.kill()
            await self.start()
            say("Asterisk is back")

    async def cli(self, command: str, deadline: float = 20) -> str:
        """The answer of Asterisk's own command line; `AsteriskProblem` if it cannot be asked."""
        status, output = await _run(
            [*self._programs.asterisk, "-C", str(self.config), "-rx", command], deadline
        )
        if status != 0 or "Unable to connect to remote asterisk" in output:
            raise AsteriskProblem(f"{self.node_dir}: {command!r} was not answered: {output.strip()[:200]}")
        return output

    async def stop(self, deadline: float = 10) -> None:
        """Stop it in order, and by force when that takes longer than `deadline` seconds."""
        process = self._process
        if process is None or process.returncode is not None:
            self._process = None
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), deadline)
        except TimeoutError:
            log.warning("asterisk did not stop in time and is killed", extra={"node_dir": str(self.node_dir)})
            await self.kill()
        self._process = None

    async def kill(self) -> None:
        """End it at once, as a power failure would."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
        # A killed Asterisk leaves its socket behind, and the next start must not take it for its own.
        (self.node_dir / "run" / "asterisk.ctl").unlink(missing_ok=True)

    async def __aenter__(self) -> AsteriskInstance:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
