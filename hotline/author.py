"""Who is at the keyboard, for what is to be remembered with a name."""

from __future__ import annotations

import argparse
import getpass
import os
import re

from core.errors import BadInput

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,64}")


def add_by(parser: argparse.ArgumentParser) -> None:
    """The option of every command that writes down who did it."""
    parser.add_argument(
        "--by", metavar="WHO", help="who does it, if not the user who is signed in to this machine"
    )


def who(arguments: argparse.Namespace) -> str:
    """`--by`, else the user behind sudo, else the user; `BadInput` if it is no line of text."""
    name = str(arguments.by or os.environ.get("SUDO_USER") or _user()).strip()
    if not _NAME.fullmatch(name):
        raise BadInput("--by", f"{name[:64]!r} cannot be used: write a name of at most 64 characters")
    return name


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in a container
        return f"user {os.getuid()}"
