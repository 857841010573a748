"""One's own notices over HTTP: listed, read, and by which ways one wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from directory import seed
from storage.notices.model import Notice
from tests.integration.web.program import Program, running_program

QUIET = {"since": "22:30", "until": "07:00", "working_days_only": True}


async def asked(program: Program, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
    headers = {"X-CSRF-Token": program.csrf}
    url = program.url.join(URL(f"/api/notices{path}"))
    async with program.client.request(method, url, json=body, headers=headers) as response:
        answer = await response.json(content_type=None)
        assert response.status == status, answer
        return answer


async def told(program: Program, person: str, *subjects: str) -> None:
    async with program.hotline.main.write() as connection:
        for subject in subjects:
            notice = Notice(
                person=person, subject=subject, text="请尽快处理", key=subject, cause="ticket:GD1"
            )
            await program.hotline.due.notices.put(connection, notice)


async def test_one_sees_and_reads_ones_own(tmp_path: Path) -> None:
    async with running_program(seed.load(seed.DEMO), tmp_path) as program:
        await told(program, "1001", "一", "二", "三")
        await told(program, "1002", "别人的")
        await program.sign_in("1001")
        first = await asked(program, "GET", "?limit=2")
        assert (first["unread"], [one["subject"] for one in first["notices"]]) == (3, ["三", "二"])
        rest = await asked(program, "GET", f"?limit=2&before={first['more']}")
        assert ([one["subject"] for one in rest["notices"]], rest["more"]) == (["一"], None)
        others = rest["notices"][0]["id"] + 3
        read = await asked(program, "POST", "/read", {"ids": [first["notices"][0]["id"], others]})
        assert read == {"read": 1, "unread": 2}
        again = await asked(program, "GET", "")
        assert [one["read_at"] is not None for one in again["notices"]] == [True, False, False]
        await program.sign_in("1002")
        assert (await asked(program, "GET", ""))["unread"] == 1


async def test_wishes_are_kept_changed_and_forgotten(tmp_path: Path) -> None:
    async with running_program(seed.load(seed.DEMO), tmp_path) as program:
        await program.sign_in("1001")
        untouched = await asked(program, "GET", "/preferences")
        assert untouched == {
            "email": None,
            "sms": None,
            "quiet": {"since": "21:00", "until": "08:00", "working_days_only": False},
        }
        wanted = {
            "email": {"address": "wang@bank.example", "on": True},
            "sms": {"address": "13800001111", "on": False},
            "quiet": QUIET,
        }
        assert await asked(program, "PUT", "/preferences", wanted) == wanted
        assert await asked(program, "GET", "/preferences") == wanted
        fewer = {"sms": wanted["sms"], "quiet": QUIET}
        assert (await asked(program, "PUT", "/preferences", fewer))["email"] is None
        await program.sign_in("1002")
        assert await asked(program, "GET", "/preferences") == untouched


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"quiet": QUIET | {"since": "25:00"}}, "quiet.since"),
        ({"quiet": QUIET, "email": {"address": "not an address"}}, "address"),
        ({"quiet": QUIET, "pager": {"address": "1"}}, "pager"),
    ],
)
async def test_what_cannot_be_is_refused_whole(tmp_path: Path, body: Any, named: str) -> None:
    async with running_program(seed.load(seed.DEMO), tmp_path) as program:
        await program.sign_in("1001")
        good = {"sms": {"address": "13800001111", "on": True}, "quiet": QUIET}
        await asked(program, "PUT", "/preferences", good)
        problem = await asked(program, "PUT", "/preferences", body, status=422)
        assert named in str(problem)
        assert (await asked(program, "GET", "/preferences"))["sms"] == good["sms"]
