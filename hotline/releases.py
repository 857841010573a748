"""Versions of the program side by side, one of them in place: `releases/<commit>`, and the link `app` to it.

A version that runs is never written into nor removed: its modules and pages are read from disk as long as it
lives. Putting another in place is renaming a link; putting it back is the same again, and takes no set-up.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from core.errors import BadInput, Conflict, HotlineError

LINK, FOLDER = "app", "releases"
_LOG = "upgrades.jsonl"
_GONE, _INCOMING = ".gone-", ".incoming-"
_DIGITS = 12


class StepFailed(HotlineError):
    """A command of another program ended in failure; the message has its last words."""


class Outcome(StrEnum):
    """How far an upgrade came. `began` and nothing after it: it was cut off."""

    BEGAN = "began"
    UPGRADED = "upgraded"
    ROLLED_BACK = "rolled back"


class Entry(msgspec.Struct, frozen=True):
    """A line of the log. `before`, `after`: names of releases; `stood`: database → revision of `before`;
    `backup`: made before it began; `at`: RFC 3339, UTC; `standby`: the service stood by, and Asterisk's files
    are another's."""

    at: str
    outcome: Outcome
    before: str
    after: str
    by: str
    backup: str
    stood: dict[str, str | None]
    standby: bool = False


@dataclass(frozen=True, slots=True)
class Releases:
    """`home` holds the link and the folder of releases."""

    home: Path

    @property
    def link(self) -> Path:
        return self.home / LINK

    def folder(self, name: str) -> Path:
        """Where a release is; `BadInput` if it is not there any more."""
        folder = self.home / FOLDER / name
        if not (folder / "run").is_file():
            raise BadInput("release", f"{folder} is not there any more: bring it back by `hotline upgrade`")
        return folder

    @property
    def in_place(self) -> str:
        """The name of the release to which the link leads."""
        return self.link.resolve().name

    def put_in_place(self, name: str) -> None:
        """From now on whoever starts `app` starts this one."""
        aside = self.home / f".{LINK}.{os.getpid()}"
        aside.unlink(missing_ok=True)
        aside.symlink_to(Path(FOLDER) / self.folder(name).name)
        aside.replace(self.link)

    def bring(self, project: Path, ref: str) -> str:
        """The name of the release of `ref` (branch, tag or commit; "": the main branch), fetched if need be.

        Cloned from where `project` was, which is not touched. `BadInput` if there is no such version.
        """
        source = said(["git", "-C", str(project), "remote", "get-url", "origin"]).strip()
        aside = self.home / FOLDER / f"{_INCOMING}{os.getpid()}"
        said(["git", "clone", "--quiet", "--no-checkout", source, str(aside)])
        try:
            commit = _commit(aside, ref)
            name = commit[:_DIGITS]
            target = self.home / FOLDER / name
            if not target.exists():
                said(["git", "-C", str(aside), "checkout", "--quiet", "--detach", commit])
                aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return name

    def log(self) -> tuple[Entry, ...]:
        """Everything that was put in place, the oldest first."""
        try:
            lines = (self.home / FOLDER / _LOG).read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        return tuple(msgspec.json.decode(line, type=Entry) for line in lines)

    def record(self, entry: Entry) -> None:
        """Add a line, durable when this returns."""
        with (self.home / FOLDER / _LOG).open("ab") as out:
            out.write(msgspec.json.encode(entry) + b"\n")
            out.flush()
            os.fsync(out.fileno())

    def old(self, keep: int) -> list[str]:
        """Those that may be removed if `keep` are to stay: the ones in place last, and not what is in place,
        nor what a roll-back would put there, nor what a program runs from."""
        there = {one.name for one in (self.home / FOLDER).iterdir() if (one / "run").is_file()}
        log = self.log()
        before = {log[-1].before} if log and log[-1].outcome is not Outcome.ROLLED_BACK else set()
        lately = [self.in_place]
        for entry in reversed(log):
            lately += [entry.after] if entry.outcome is Outcome.UPGRADED else []
            lately += [entry.before]
        stay = [name for name in dict.fromkeys(lately) if name in there][:keep]
        gone = there - before - set(stay)
        return sorted(name for name in gone if not is_used(self.home / FOLDER / name))

    def remove(self, name: str) -> None:
        """Remove a release, and what earlier ones of this program have left behind half done. OSError."""
        folder = self.home / FOLDER
        (folder / name).rename(folder / f"{_GONE}{name}")
        for half in (*folder.glob(f"{_GONE}*"), *folder.glob(f"{_INCOMING}*")):
            shutil.rmtree(half)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """`Conflict` if somebody else is at it."""
        descriptor = os.open(self.home / FOLDER / ".lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise Conflict("another upgrade or roll-back is under way: wait for it") from error
        try:
            yield
        finally:
            os.close(descriptor)


def releases_of(project: Path) -> Releases:
    """Those beside the running program; `BadInput` if it is not installed as one of them."""
    home = project.parent.parent
    link = home / LINK
    if project.parent.name != FOLDER or not link.is_symlink():
        raise BadInput(
            "upgrade",
            f'{project} is no release beside a link `{LINK}`: docs/operations.md, "Upgrade and roll-back", '
            "says how to make it one",
        )
    return Releases(home)


def is_used(folder: Path) -> bool:
    """Whether a process that we may look at works in the folder, or has been started or has loaded something
    from it: what keeps an Asterisk running, or a web process, outlives upgrades."""
    within = f"{folder.resolve()}/"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{(process / 'cwd').readlink()}/".startswith(within):
                return True
            if within.encode() in (process / "cmdline").read_bytes() + (process / "maps").read_bytes():
                return True
    return False


def said(command: Sequence[str], cwd: Path | None = None) -> str:
    """What a command prints on standard output; `StepFailed` with its last words if it fails."""
    try:
        done = subprocess.run(
            list(command), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise StepFailed(f"{command[0]} cannot be started: {error.strerror}") from error
    if done.returncode != 0:
        words = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-12:])
        raise StepFailed(f"`{' '.join(command)}` ended with status {done.returncode}: {words}")
    return done.stdout


def _commit(clone: Path, ref: str) -> str:
    for name in (f"origin/{ref or 'HEAD'}", ref):
        try:
            found = said(
                ["git", "-C", str(clone), "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}"]
            )
        except StepFailed:
            continue
        return found.strip().splitlines()[-1]
    raise BadInput("upgrade", f"there is no version {ref[:60]!r}: name a branch, a tag or a commit")
