"""What `hotline check` says of the program's folders: files in no backup that nobody makes anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hotline.findings import Finding, Weight, good
from hotline.keeping import unaccounted
from hotline.settings import Settings

_ABOUT = "folders"
_NAMED = 20
"""More lines would hide what else there is to say."""


def of_folders(settings: Settings, config: Path | None) -> Iterator[Finding]:
    """A line for each; one if all are accounted for. It reads names alone."""
    try:
        strangers = unaccounted(settings, config)
    except OSError as problem:
        yield Finding(
            Weight.ERROR, _ABOUT, f"cannot be looked through: {problem}", "let this account read them"
        )
        return
    for file in strangers[:_NAMED]:
        yield Finding(
            Weight.WARNING,
            _ABOUT,
            f"{file} is in no backup, and nothing of ours makes it anew",
            "keep it elsewhere if it is needed, remove it if not",
        )
    if len(strangers) > _NAMED:
        more = f"{len(strangers) - _NAMED} more files like that"
        yield Finding(Weight.WARNING, _ABOUT, more, "see to those that are named, then check again")
    if not strangers:
        yield good(_ABOUT, "every file is in a backup, or made anew without one")
