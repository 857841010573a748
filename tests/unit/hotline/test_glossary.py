"""The glossary keeps step with the code: its names exist, and every fact has its term."""

import re
from pathlib import Path

from core.facts import KINDS

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = (
    "core",
    "storage",
    "web",
    "directory",
    "ledger",
    "telephony",
    "ivr",
    "ticketing",
    "board",
    "hotline",
)


def names_in_the_glossary() -> set[str]:
    rows = [
        line.split(" | ")
        for line in (ROOT / "docs/glossary.md").read_text("utf-8").splitlines()
        if " | " in line
    ]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row[2])}


def test_every_name_is_one_of_the_code() -> None:
    sources = "\n".join(
        file.read_text("utf-8")
        for package in PACKAGES
        for file in sorted((ROOT / package).rglob("*"))
        if file.suffix in (".py", ".yaml", ".j2")
    )
    sources += "\n".join(path.as_posix() for path in (ROOT / "dialplans").rglob("*"))
    words = set(re.findall(r"[\w<>-]+", sources))
    missing = set()
    for name in names_in_the_glossary():
        if name.endswith("/") or "/" in name:
            if not list(ROOT.glob(f"{name.rstrip('/')}*")):
                missing.add(name)
        elif not set(name.split(".")) <= words and name != "<business>-<language>":
            missing.add(name)
    assert missing == set()


def test_every_fact_has_its_term() -> None:
    assert set(KINDS) - names_in_the_glossary() == set()
