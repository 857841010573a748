"""`hotline rights`: who may do what. docs/rights.md holds it for the roles of the seed that ships.

The routes are those of the whole program, put together as in service but without a node and on an empty
folder; so there is no list that could be forgotten. tests/integration/web/test_rights.py asks every one of
them in every role, and compares what comes back with what stands here.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.clock import system_clock
from core.errors import HotlineError
from directory.credentials import Credentials
from directory.lookup import Directory
from directory.model import Role
from directory.rights import RIGHTS, SCOPED
from directory.seed import DEMO, load
from hotline.assembly import assemble
from hotline.settings import Settings
from web.app import LIVE, ROUTES
from web.live_topics import LiveTopics
from web.route import Principal, Route
from web.scope import Scope

PAGE = Path("docs/rights.md")
LET_IN, IN_PART, REFUSED = "●", "◐", "-"
_SELF, _OTHER = "0001", "0002"

_INTRODUCTION = f"""\
# Rights

Made from the routes and the seed that ships by `./run hotline rights --write`; do not edit.

A role is a bundle of rights, a person has one role or more, and may do what any of them allows. Roles and
their rights are the seed's (`roles:` in `directory/seed/demo.yaml`); the rights there are stand in
`directory/rights.py`. Each route says which right it asks for, or the program does not start.

{LET_IN} let through · own, team, unit, all: let through, as far as records of oneself, of the people of one's
team, of one's unit and the units beneath it, or of everybody (docs/adr/0046) · {IN_PART} let through to one's
own topic, to others' as far as `agents.read` reaches · {REFUSED} refused (403).
Who is not signed in is refused (401) everywhere but where a route is public.
So is (403) who has to change their password first, but for who am I, signing out and changing it.
Where a route asks for a signature it is for a program, and nobody's role opens it (401).
Besides, a change needs the token that signing in gave, and comes from our own pages (403 otherwise).
Pages and their scripts (`/board/…`) are open files without any data.
"""


def cell(route: Route, role: Role) -> str:
    """What a person of this one role meets at a route."""
    person = _person(role, _SELF)
    if route.right is None:
        return REFUSED if route.proof else LET_IN
    if not any(person.may(right) for right in (route.right, *route.wider)):
        return REFUSED
    if not route.scoped:
        return LET_IN
    # Let in without the right that has the scope: one's own is open all the same.
    return role.rights.get((route.right, *route.wider)[-1], Scope.OWN).name.lower()


def topic_cell(hub: LiveTopics, topic: str, role: Role) -> str:
    """What a person of this one role meets at a live topic or, for a family, at their own and another's."""
    allowed = [_may_watch(hub, _person(role, _SELF), name) for name in _members(hub, topic)]
    return LET_IN if all(allowed) else IN_PART if any(allowed) else REFUSED


def page(routes: Sequence[Route], hub: LiveTopics, directory: Directory) -> str:
    """docs/rights.md, whole."""
    roles = tuple(directory.roles.values())
    parts = [*_routes(routes, roles), *_topics(hub, roles), *_rights(routes, hub, roles)]
    return "\n".join([_INTRODUCTION, *parts])


def _routes(routes: Iterable[Route], roles: Sequence[Role]) -> Iterable[str]:
    yield f"## Routes\n\n| route | what it does | asks for |{_heads(roles)}\n|---|---|---|{_rule(roles)}"
    for route in sorted(routes, key=lambda one: (one.path, one.method)):
        cells = "".join(f" {cell(route, role)} |" for role in roles)
        yield f"| `{route.method} {route.path}` | {route.summary} | {_asked(route)} |{cells}"
    yield ""


def _topics(hub: LiveTopics, roles: Sequence[Role]) -> Iterable[str]:
    yield "## Live topics\n\nWatched through `GET /api/live?topic=…`.\n"
    yield f"| topic | asks for |{_heads(roles)}\n|---|---|{_rule(roles)}"
    for topic, (right, *wider) in sorted(hub.rights().items()):
        name = topic if len(_members(hub, topic)) == 1 else f"{topic}:…"
        cells = "".join(f" {topic_cell(hub, topic, role)} |" for role in roles)
        yield f"| `{name}` | {_either(right, wider)} |{cells}"
    yield ""


def _rights(routes: Sequence[Route], hub: LiveTopics, roles: Sequence[Role]) -> Iterable[str]:
    yield f"## What each right lets a person do\n\n| right | lets a person | asked for by |{_heads(roles)}"
    yield f"|---|---|---|{_rule(roles)}"
    for right, what in RIGHTS.items():
        asking = [f"`{r.method} {r.path}`" for r in routes if right in (r.right, *r.wider)]
        asking += [f"topic `{topic}`" for topic, asked in hub.rights().items() if right in asked]
        cells = "".join(f" {_granted(right, role)} |" for role in roles)
        by = "<br>".join(sorted(asking)) or "no route or topic by itself"
        yield f"| `{right}` | {what} | {by} |{cells}"
    yield ""


def _granted(right: str, role: Role) -> str:
    if right not in role.rights:
        return REFUSED
    return role.rights[right].name.lower() if right in SCOPED else LET_IN


def _asked(route: Route) -> str:
    if route.right is None:
        return route.proof or "nothing: public"
    wider = ", ".join(f"`{right}`" for right in route.wider)
    return _right(route.right) + (f"; more with {wider}" if wider else "")


def _either(right: str, wider: Sequence[str]) -> str:
    return " or ".join(map(_right, (right, *wider)))


def _right(right: str) -> str:
    return f"`{right}`" if right else "being signed in"


def _heads(roles: Iterable[Role]) -> str:
    return "".join(f" {role.name_zh} {role.name_en} |" for role in roles)


def _rule(roles: Iterable[Role]) -> str:
    return "".join(":---:|" for _ in roles)


def _person(role: Role, staff: str) -> Principal:
    return Principal(staff=staff, name=role.name_zh, roles=(role.code,), rights=role.rights)


def _members(hub: LiveTopics, topic: str) -> list[str]:
    """The topic itself or, of a family, the member that is one's own and one that is another's."""
    return [f"{topic}:{_SELF}", f"{topic}:{_OTHER}"] if hub.is_family(topic) else [topic]


def _may_watch(hub: LiveTopics, person: Principal, topic: str) -> bool:
    try:
        hub.check(person, topic)
    except HotlineError:
        return False
    return True


# ------------------------------------------------------------------ the command


async def _page_of_the_program() -> str:
    directory = load(DEMO)
    nobody = Credentials(pin_salt="", staff={}, devices={})
    with tempfile.TemporaryDirectory(prefix="hotline-rights-") as folder:
        hotline = await assemble(Settings(data_dir=Path(folder)), directory, nobody, clock=system_clock)
        try:
            routes, hub = hotline.app[ROUTES], hotline.app[LIVE]
            return page(routes, hub, directory)
        finally:
            await hotline.close()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline rights`."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--write", action="store_true", help=f"write {PAGE} anew")
    either.add_argument("--check", action="store_true", help=f"fail if {PAGE} is out of date")


def run(arguments: argparse.Namespace) -> int:
    """Prints, writes or checks the page."""
    text = asyncio.run(_page_of_the_program())
    if arguments.write:
        PAGE.write_text(text, "utf-8")
    elif arguments.check:
        if not PAGE.exists() or PAGE.read_text("utf-8") != text:
            print(f"{PAGE} is out of date: run ./run hotline rights --write", file=sys.stderr)
            return 1
    else:
        print(text, end="")
    return 0
