"""A node's whole directory, rendered from its `NodeSpec` by the templates in `dialplans/`.

    etc/         Asterisk's configuration           prompts/, announcements/  voices in
    run/ db/     its socket and its own database    recordings/               voices out
    log/         messages, queue log, CEL, CDR      heartbeat                 touched by the service
    customers/   who is served first, or in a language of theirs: a file for each number

Files that carry secrets are readable by owner and group only. Writing goes aside and is renamed into place,
so that a reload never reads half a file.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import jinja2

from core.dialling import LANDLINES
from core.names import LANGUAGES
from telephony.ami.accounts import SILENCED
from telephony.nodespec import MISSED, NARROW, WIDE, NodeSpec
from telephony.nodespec_check import check_spec
from telephony.seat_address import SEATS, seat_address

TEMPLATES = Path(__file__).resolve().parent.parent / "dialplans"
FOLDERS = (
    "etc",
    "run",
    "db",
    "log",
    "log/cel-custom",
    "log/cdr-custom",
    "varlib",
    "spool",
    "recordings",
    "prompts",
    "announcements",
    "customers",
)
_SECRET_FILES = frozenset({"pjsip.conf", "manager.conf", "extensions.conf"})


@dataclass(frozen=True, slots=True)
class NodeFile:
    """One file of the node's etc/: its text and its mode."""

    text: str
    mode: int


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - configuration files, not HTML; check_spec lets only plain names through
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["seat_address"] = seat_address
    return environment


def render(spec: NodeSpec) -> dict[str, NodeFile]:
    """Every configuration file by name; `BadInput` if a value of the spec may not stand in one."""
    check_spec(spec)
    environment = _environment()
    files = {}
    for template in sorted(TEMPLATES.glob("*.conf.j2")):
        name = template.name.removesuffix(".j2")
        text = environment.get_template(template.name).render(
            node=spec,
            languages=LANGUAGES,
            landlines=LANDLINES,
            narrow=NARROW,
            wide=WIDE,
            missed=MISSED,
            silenced=SILENCED,
            seats=SEATS,
        )
        files[name] = NodeFile(text, 0o640 if name in _SECRET_FILES else 0o644)
    return files


def customer_file(key: str, number: str) -> str:
    """The name of a number's file in customers/, as `dialplans/parts/entry.j2` makes it: a keyed digest, so
    that no number can be read off the disk without the key."""
    return hashlib.sha1(f"{key}:{number}".encode(), usedforsecurity=False).hexdigest()


def write_file(path: Path, text: str, mode: int) -> None:
    """Write aside with `mode` from the first byte on, then rename into place."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        aside.chmod(mode)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_node(spec: NodeSpec) -> None:
    """Make the node's folders and write its configuration; a refused spec leaves nothing behind."""
    files = render(spec)
    for folder in FOLDERS:
        (spec.directory / folder).mkdir(parents=True, exist_ok=True, mode=0o750)
    for name, file in files.items():
        write_file(spec.directory / "etc" / name, file.text, file.mode)
