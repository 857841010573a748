"""Which version of the program this is, by its own files: two hosts that run the same files say the same."""

from __future__ import annotations

import hashlib
from functools import cache

from hotline.content import PROJECT

_NOT_IN_SERVICE = frozenset({"tests", "bench"})


@cache
def edition() -> str:
    """Twelve hex digits, of the Python files of every package that is in service."""
    packages = sorted(
        file.parent for file in PROJECT.glob("*/__init__.py") if file.parent.name not in _NOT_IN_SERVICE
    )
    digest = hashlib.sha256()
    for file in sorted(file for package in packages for file in package.rglob("*.py")):
        digest.update(f"{file.relative_to(PROJECT)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
