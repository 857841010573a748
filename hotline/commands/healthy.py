"""`hotline healthy`: whether the service of these settings is well, for whoever starts it anew if it is not.

`GET /health`, then `GET /ready`, where the settings say that it listens. Status 0, or 1 with a sentence that
says which of the two was not answered with 200. It looks at nothing else; `hotline check` does.
"""

from __future__ import annotations

import argparse
import http.client

from hotline import configuration
from hotline.content import add_config

PAGES = ("/health", "/ready")
DEADLINE_S = 4
"""For each page. Both fit into the time that docker/Dockerfile gives this command."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what listens everywhere is asked on loopback


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline healthy`."""
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask, and say what is wrong; 0 if nothing is."""
    web = configuration.load(arguments.config).web
    found = problem(address(web.host), web.port)
    print(found or "well")
    return 1 if found else 0


def address(host: str) -> str:
    """Where to ask a service that listens on `host`."""
    return _EVERYWHERE.get(host, host)


def problem(host: str, port: int) -> str:
    """What is wrong with the service at this address, in a sentence; "" if nothing is."""
    for page in PAGES:
        connection = http.client.HTTPConnection(host, port, timeout=DEADLINE_S)
        try:
            connection.request("GET", page)
            answer = connection.getresponse()
            body = answer.read(500).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return f"{page} was not answered at {host}:{port} ({error!r}): read the service's log"
        finally:
            connection.close()
        if answer.status != 200:
            return f"{page} was answered with {answer.status}: {body}"
    return ""
