"""`hotline healthy`: whether the service of these settings is well, for whoever starts it anew if it is not.

`GET /health`, then `GET /ready`, where the settings say that it listens. Status 0, or 1 with a sentence that
says which of the two was not answered with 200. A standby that watches the lease is well, although it answers
`/ready` with 503 (proxies must not send anybody there). It looks at nothing else; `hotline check` does.
"""

from __future__ import annotations

import argparse
import http.client
import json
from dataclasses import dataclass

from hotline import configuration
from hotline.content import add_config
from hotline.standby import STANDBY

READY = "/ready"
PAGES = ("/health", READY)
DEADLINE_S = 4
"""For each page. Both fit into the time that docker/Dockerfile gives this command."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what listens everywhere is asked on loopback
_READ, _SHOWN = 4_000, 500


@dataclass(frozen=True, slots=True)
class State:
    """`problem`: what is wrong, in a sentence; "" if nothing is. `standby`: of whom it is the standby, "" if
    of nobody."""

    problem: str = ""
    standby: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline healthy`."""
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask, and say what is wrong; 0 if nothing is."""
    web = configuration.load(arguments.config).web
    found = state(address(web.host), web.port)
    print(found.problem or (f"well: {found.standby}" if found.standby else "well"))
    return 1 if found.problem else 0


def address(host: str) -> str:
    """Where to ask a service that listens on `host`."""
    return _EVERYWHERE.get(host, host)


def problem(host: str, port: int) -> str:
    """What is wrong with the service at this address, in a sentence; "" if nothing is."""
    return state(host, port).problem


def state(host: str, port: int) -> State:
    """How the service at this address is."""
    for page in PAGES:
        try:
            status, body = _asked(host, port, page)
        except (OSError, http.client.HTTPException) as error:
            return State(f"{page} was not answered at {host}:{port} ({error!r}): read the service's log")
        if page == READY and (standby := _standby_of(body)):
            return State(standby=standby)
        if status != http.client.OK:
            return State(f"{page} was answered with {status}: {body[:_SHOWN]}")
    return State()


def _asked(host: str, port: int, page: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=DEADLINE_S)
    try:
        connection.request("GET", page)
        answer = connection.getresponse()
        return answer.status, answer.read(_READ).decode(errors="replace")
    finally:
        connection.close()


def _standby_of(body: str) -> str:
    """What a standby says of the lease it watches; "" of anybody else."""
    try:
        said = json.loads(body)
        return str(said["checks"]["lease"]) if said["status"] == STANDBY else ""
    except (ValueError, KeyError, TypeError):
        return ""
