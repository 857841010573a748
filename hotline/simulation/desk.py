"""Simulated agents at their desks: sign in, take a seat, and after each call write what an agent writes.

They know the hotline as a person does, through its HTTP API. That a talk has ended they learn from the list
of summaries they owe.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from core.errors import HotlineError

_LOOK_EVERY_S = 1.0


class DeskProblem(HotlineError):
    """The API did not do what an agent expects of it; the message holds its answer."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Who sits where."""

    staff: str
    password: str = field(repr=False)
    device: str = ""


@dataclass(slots=True)
class Written:
    """What all desks have written so far."""

    summaries: int = 0
    tickets: int = 0


_CALLS: tuple[Mapping[str, Any], ...] = (
    {"type": "enquiry", "content": "客户咨询信用卡账单日及还款方式", "result": "已解释，客户满意"},
    {"type": "enquiry", "content": "客户询问网点营业时间", "result": "已告知就近网点及时间"},
    {"type": "customer_care", "content": "客户感谢上次来电的处理"},
    {
        "type": "suggestion",
        "contact": "13800001234",
        "content": "建议手机银行增加语音登录",
        "suggestion": True,
    },
    {
        "type": "complaint",
        "customer_name": "陈先生",
        "contact": "13900005678",
        "content": "柜面排队时间过长",
        "result": "已致歉并转业务管理组",
        "nature": "ordinary",
        "urgency": "medium",
        "read_back": True,
    },
    {"type": "wrong_number"},
)
_WEIGHTS = (40, 25, 15, 8, 7, 5)


class Desk:
    """One agent at work. `wrap_up_s`: between so many seconds is spent on a summary."""

    def __init__(
        self,
        address: str,
        seat: Seat,
        written: Written,
        *,
        chance: random.Random,
        wrap_up_s: tuple[float, float] = (2.0, 8.0),
    ) -> None:
        self._address = address
        self._seat = seat
        self._written = written
        self._chance = chance
        self._wrap_up_s = wrap_up_s
        self._token = ""

    async def work(self) -> None:
        """Sign in, go ready, and write summaries until cancelled."""
        jar = aiohttp.CookieJar(unsafe=True)
        headers = {"Origin": self._address.rstrip("/")}
        async with aiohttp.ClientSession(self._address, headers=headers, cookie_jar=jar) as client:
            await self._begin(client)
            while True:
                owed = (await self._ask(client, "GET", "/api/summaries/owed"))["owed"]
                for duty in owed:
                    await asyncio.sleep(self._chance.uniform(*self._wrap_up_s))
                    await self._write(client, duty["leg"])
                if not owed:
                    await asyncio.sleep(_LOOK_EVERY_S)

    async def _begin(self, client: aiohttp.ClientSession) -> None:
        who = {"staff": self._seat.staff, "password": self._seat.password}
        self._token = (await self._ask(client, "POST", "/api/session", who))["csrf_token"]
        state = (await self._ask(client, "GET", "/api/agent"))["state"]
        if state == "logged_out":
            await self._ask(client, "POST", "/api/agent/login", {"device": self._seat.device})
        if state in ("logged_out", "not_ready"):  # in a wrap-up of an earlier day, the summary comes first
            await self._ask(client, "POST", "/api/agent/ready")

    async def _write(self, client: aiohttp.ClientSession, leg: str) -> None:
        (text,) = self._chance.choices(_CALLS, _WEIGHTS)
        summary = await self._ask(client, "POST", "/api/summaries", {"leg": leg, **text})
        self._written.summaries += 1
        if text["type"] in ("complaint", "suggestion"):
            await self._ask(client, "POST", "/api/tickets", ticket_of(summary["number"], text))
            self._written.tickets += 1

    async def _ask(
        self, client: aiohttp.ClientSession, method: str, path: str, body: Any = None
    ) -> dict[str, Any]:
        headers = {"X-CSRF-Token": self._token} if self._token else {}
        async with client.request(method, path, json=body, headers=headers) as response:
            text = await response.text()
            if response.status >= 400:
                raise DeskProblem(
                    f"agent {self._seat.staff}: {method} {path}: {response.status} {text[:300]}"
                )
            answer: dict[str, Any] = await response.json() if text else {}
            return answer


def ticket_of(summary: str, text: Mapping[str, Any]) -> dict[str, Any]:
    """The work order that grows out of such a summary; the reply limit has been told (CALL-27)."""
    kept = {name: text[name] for name in ("customer_name", "contact", "content") if name in text}
    return {
        "summary": summary,
        "kind": text["type"],
        "urgency": text.get("urgency", "low"),
        "business": "card",
        "customer_name": "未留姓名",
        "limit_told": True,
        **kept,
    }


async def staff_all(desks: Sequence[Desk]) -> None:
    """All desks at work until cancelled; the first that cannot go on ends them all, with its reason."""
    tasks = [asyncio.create_task(desk.work()) for desk in desks]
    try:
        await (asyncio.gather(*tasks) if tasks else asyncio.Event().wait())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
