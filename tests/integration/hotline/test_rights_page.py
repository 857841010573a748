"""`hotline rights`: the page holds every route and every right, and the check notices a new one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import system_clock
from directory import rights
from directory.seed import DEMO, load
from hotline.__main__ import main
from hotline.commands import rights_page
from web.live import LiveHub, Topic
from web.route import ApiRequest, Principal, Route


async def _nothing(_request: ApiRequest) -> None: ...


def _own_or_all(person: Principal, key: str) -> bool:
    return person.staff == key or person.may_of("agents.read", key)


ROUTE = Route(
    method="GET",
    path="/api/calls",
    handler=_nothing,
    right="calls.read",
    scoped=True,
    summary="Calls",
    tag="t",
)


def _page(*routes: Route) -> list[str]:
    hub = LiveHub(clock=system_clock)
    hub.declare(Topic(name="board", right="board.read", snapshot=lambda _key: {}))
    hub.declare(Topic(name="agent", right="agents.act", snapshot=lambda _key: {}, allowed=_own_or_all))
    return rights_page.page(routes, hub, load(DEMO)).splitlines()


def test_a_route_stands_there_with_what_each_role_meets() -> None:
    lines = _page(ROUTE, replace(ROUTE, method="POST", right="help.raise", scoped=False))
    head = "| route | what it does | asks for | 客服代表 Agent | 值班长 Shift leader |"
    assert any(line.startswith(head) for line in lines)
    assert "| `GET /api/calls` | Calls | `calls.read` | own | team | unit | all | - |" in lines
    assert "| `POST /api/calls` | Calls | `help.raise` | ● | - | - | - | - |" in lines


def test_who_is_let_in_by_another_right_than_the_scoped_one_has_their_own() -> None:
    lines = _page(replace(ROUTE, right="", wider=("summaries.correct",)))
    asked = "being signed in; more with `summaries.correct`"
    assert f"| `GET /api/calls` | Calls | {asked} | own | team | unit | own | own |" in lines


def test_public_routes_and_those_for_anyone_say_so() -> None:
    lines = _page(
        replace(ROUTE, right=None, scoped=False), replace(ROUTE, method="PUT", right="", scoped=False)
    )
    assert "| `GET /api/calls` | Calls | nothing: public | ● | ● | ● | ● | ● |" in lines
    assert "| `PUT /api/calls` | Calls | being signed in | ● | ● | ● | ● | ● |" in lines


def test_a_topic_of_many_members_is_open_to_some_for_their_own_alone() -> None:
    lines = _page(ROUTE)
    assert "| `agent:…` | `agents.act` | ◐ | ◐ | - | - | - |" in lines
    assert "| `board` | `board.read` | - | ● | ● | ● | ● |" in lines


def test_a_right_stands_there_with_what_it_lets_do_and_who_asks_for_it() -> None:
    lines = _page(ROUTE)
    does = rights.RIGHTS["calls.read"]
    assert f"| `calls.read` | {does} | `GET /api/calls` | own | team | unit | all | - |" in lines
    assert sum(line.startswith(f"| `{right}` | ") for right in rights.RIGHTS for line in lines) == len(
        rights.RIGHTS
    )


def test_the_check_fails_for_a_new_right_until_the_page_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    assert main(["rights", "--check"]) == 1
    assert main(["rights", "--write"]) == 0
    assert main(["rights", "--check"]) == 0
    monkeypatch.setattr(rights_page, "RIGHTS", {**rights.RIGHTS, "moon.land": "land on the moon"})
    assert main(["rights", "--check"]) == 1
    assert capsys.readouterr().err.endswith("is out of date: run ./run hotline rights --write\n")
    assert main(["rights"]) == 0
    assert "| `moon.land` | land on the moon | no route or topic by itself | - |" in capsys.readouterr().out
