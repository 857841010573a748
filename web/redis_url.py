"""Which URLs a Redis may have. Pure; no message repeats a URL, because a password may stand in it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from core.errors import BadInput

_SHAPES = "redis://:password@host:6379, rediss://… for TLS, or unix:///path/to/socket"


def check_redis_url(url: str, where: str) -> None:
    """`BadInput` for `where` unless a Redis can be behind the URL."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"redis", "rediss"} and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        usable = False
    if not usable and not re.match(r"unix://(?:[^@/]*@)?/.", url):
        raise BadInput(where, f"what it holds is not the URL of a Redis: write {_SHAPES}")


def place_of_redis(url: str) -> str:
    """Where it is, for people: without user, password and options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
