"""What the program and its nodes keep in their folders, file by file: in a backup, or made anew without one.

The one list. `hotline backup` and `restore` go by `places`; whatever else lies in the folders has to stand in
`DATA_ANEW` or `NODE_ANEW` with the reason why it need not last, else `unaccounted` names it: `hotline check`
tells people, and a test fails. The databases are copied in their own way (`storage.copying`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from types import MappingProxyType

from hotline.content import place_of
from hotline.settings import Settings
from storage.urls import database_url, file_of
from telephony.nodefiles import TEMPLATES

RECORDINGS = "recordings"
# Who is logged in at the node; what it wrote down itself (queue log, CEL, which flow was live when); voices.
_NODE_FOLDERS = ("db", "log", "announcements")
_ASIDE = "*.before-restore-*"
_DATABASE_FILES = ("", "-wal", "-shm", "-journal")
DATA_ANEW: Mapping[str, str] = MappingProxyType(
    {
        "ledger.spool.lock": "held while a program is at work; there is nothing in it",
        "lease.json*": "knows which file it is: a copy of it says nothing",
        "exports": "sheets that are gone after two days, and can be ordered again",
        "backups": "these are the backups",
        "sign-ins-*.txt": "passwords to be handed out, once; the file is to be removed",
        ".rehearsal-*": "copies on which migrations are tried",
        ".credentials.yaml.*": "written beside the file, and renamed into place",
        _ASIDE: "what a restore has moved aside, for whoever restored",
        "*.restore-*.sql": "what a restore is putting back just now",
    }
)
"""Of `data_dir`, by pattern of the path in it; a folder's stands for all in it. And why."""
NODE_ANEW: Mapping[str, str] = MappingProxyType(
    {
        **{
            f"etc/{template.name.removesuffix('.j2')}": "`hotline prepare` renders it"
            for template in sorted(TEMPLATES.glob("*.conf.j2"))
        },
        "etc/.*": "locks, and what is written beside a file and renamed into place",
        "prompts": "`hotline prepare` speaks them, or takes them from the studio",
        "run": "Asterisk's socket and process id",
        "spool": "Asterisk's own, nothing of ours",
        "varlib": "Asterisk's own, nothing of ours",
        "heartbeat": "says whether the service lives now",
        _ASIDE: "what a restore has moved aside, for whoever restored",
    }
)
"""The same of a node's folder."""


@dataclass(frozen=True, slots=True)
class Place:
    """Something that is backed up: a file or folder, and its name in the backup."""

    source: Path
    name: str


def places(settings: Settings, *, recordings: bool = True, backup: Path | None = None) -> Iterator[Place]:
    """Files and folders beside the databases, the spool first; with `backup` those that only it has, too."""
    yield Place(settings.data_dir / "ledger.spool", "ledger.spool")
    yield from _each(settings.data_dir, "ledger.spool.superseded-*", "set-aside", backup)
    yield Place(settings.data_dir / "returns.key", "returns.key")
    yield Place(settings.credentials_file, "credentials.yaml")
    yield Place(settings.studio_folder, "studio")
    for node in settings.nodes:
        within = f"nodes/{node.name}"
        yield Place(node.accounts, f"{within}/accounts.json")
        # The versions callers may be led to: one that somebody went back to is no flow's file any more.
        yield from _each(node.directory / "etc", "ivr-*.conf", f"{within}/etc", backup)
        for name in (*_NODE_FOLDERS, RECORDINGS) if recordings else _NODE_FOLDERS:
            yield Place(node.directory / name, f"{within}/{name}")


def given(settings: Settings, config: Path | None = None) -> Iterator[Place]:
    """What people have given the program: kept for comparison, put back by nobody but them."""
    yield Place(place_of(settings.seed), "seed.yaml")
    yield Place(place_of(settings.flows), "flows")
    yield Place(place_of(settings.catalogue), "catalogue.yaml")
    yield Place(place_of(settings.calendar), "settings/calendar.yaml")
    files = {
        "hotline.toml": config,
        "metrics-token": settings.metrics.token_file,
        "oidc-secret": settings.oidc.client_secret_file,
        "oidc-ca.pem": settings.oidc.ca_file,
        "mail-ca.pem": settings.mail.ca_file,
    }
    for name, file in files.items():
        if file is not None:
            yield Place(file, f"settings/{name}")


def unaccounted(settings: Settings, config: Path | None = None) -> list[Path]:
    """Files of the data folder and of the nodes' that are in no backup, and not said to be made anew."""
    kept = [*(place.source for place in places(settings)), *_database_files(settings), *_backups(settings)]
    kept += [place.source for place in given(settings, config)]
    known = {path.absolute() for path in kept}
    roots = {settings.data_dir.absolute(): DATA_ANEW}
    roots |= {node.directory.absolute(): NODE_ANEW for node in settings.nodes}
    return sorted({path for root in roots for path in _strangers(root, known, roots)})


def _strangers(folder: Path, known: set[Path], roots: Mapping[Path, Mapping[str, str]]) -> Iterator[Path]:
    """In a folder, however deep. One that is known is not looked into: voices are millions of files."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path in known or _is_anew(path, roots):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _strangers(path, known, roots)
        else:
            yield path


def _each(folder: Path, pattern: str, name: str, backup: Path | None) -> Iterator[Place]:
    """A place for each file of that pattern, here or in the backup."""
    roots = [folder] if backup is None else [folder, backup / name]
    there = {path.name for root in roots for path in root.glob(pattern) if not fnmatch(path.name, _ASIDE)}
    for one in sorted(there):
        yield Place(folder / one, f"{name}/{one}")


def _database_files(settings: Settings) -> Iterator[Path]:
    for url in (settings.main_url, settings.ledger_url):
        file = file_of(database_url(url, ""))
        if file is not None:
            yield from (file.with_name(file.name + suffix) for suffix in _DATABASE_FILES)


def _backups(settings: Settings) -> Iterator[Path]:
    if settings.upgrade.backups is not None:
        yield settings.upgrade.backups


def _is_anew(path: Path, roots: Mapping[Path, Mapping[str, str]]) -> bool:
    """By the list of the innermost folder that it is in; a node's may lie in the data folder."""
    inside = [root for root in roots if path.is_relative_to(root)]
    root = max(inside, key=lambda one: len(one.parts))
    within = path.relative_to(root)
    names = [str(one) for one in (within, *within.parents)]
    return any(fnmatch(name, pattern) for name in names for pattern in roots[root])
