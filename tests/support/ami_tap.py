"""Listens to a node's manager interface, keeps every event, and lets a test await the one it needs.

A tool of its own, independent of `telephony.ami`, so that a fault there cannot hide itself here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Many, and of no use to the story of a call.
NOISE = frozenset(
    {"VarSet", "TestEvent", "Newexten", "RTCPSent", "RTCPReceived", "ChallengeSent", "Registry"}
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One event: its headers in order, and milliseconds since the tap began."""

    ms: int
    headers: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def fits(self, event: str, wanted: dict[str, str]) -> bool:
        """Whether this is `event` (a UserEvent by its own name) with these headers."""
        name = self["UserEvent"] if self["Event"] == "UserEvent" else self["Event"]
        return name == event and all(self[key] == value for key, value in wanted.items())


class AmiTap:
    """`heard` grows as events come; `note` puts a line of the test's own between them."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._notes: list[tuple[int, int, str]] = []
        self._start = time.monotonic()
        self._news = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._replies: dict[str, asyncio.Future[Heard]] = {}
        self._number = 0

    async def connect(self, port: int, user: str, secret: str) -> None:
        """Log in; may be called again after a restart of Asterisk, and goes on where it stopped."""
        await self.close()
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()  # the banner
        self._reader = asyncio.create_task(self._listen(reader))
        reply = await self.action("Login", Username=user, Secret=secret)
        assert reply["Response"] == "Success", reply

    async def close(self) -> None:
        """Hang up and keep what was heard."""
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()
        if self._reader is not None:
            await self._reader

    async def action(self, action: str, *more: tuple[str, str], **headers: str) -> Heard:
        """Send an action and return its first reply. `more`: headers that may come more than once."""
        assert self._writer is not None
        self._number += 1
        key = f"tap-{self._number}"
        self._replies[key] = asyncio.get_running_loop().create_future()
        lines = [("Action", action), ("ActionID", key), *headers.items(), *more]
        self._writer.write("".join(f"{name}: {value}\r\n" for name, value in lines).encode() + b"\r\n")
        return await asyncio.wait_for(self._replies[key], 60)

    def note(self, text: str) -> None:
        """What the test does at this moment."""
        self._notes.append((len(self.heard), self._ms(), text))

    async def wait_for(self, event: str, *, after: int = 0, within: float = 60, **wanted: str) -> Heard:
        """The first such event from index `after` on; AssertionError naming it if it does not come."""
        return await self.wait_until(
            lambda heard: heard.fits(event, wanted), f"{event} {wanted}", after=after, within=within
        )

    async def wait_until(
        self, found: Callable[[Heard], bool], what: str, *, after: int = 0, within: float = 60
    ) -> Heard:
        """The first event from index `after` on of which `found` is true."""
        seen = after
        try:
            async with asyncio.timeout(within), self._news:
                while True:
                    for heard in self.heard[seen:]:
                        if found(heard):
                            return heard
                    seen = len(self.heard)
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not heard within {within:g} s: {what}\n{self.story()}") from None

    def all(self, event: str, **wanted: str) -> list[Heard]:
        """Every such event so far."""
        return [heard for heard in self.heard if heard.fits(event, wanted)]

    def story(self) -> str:
        """The dialplan's own facts and the queue's events, one a line: for messages of failed tests."""
        lines = []
        for heard in self.heard:
            if heard["Event"] in ("DeviceStateChange", "Newstate", "ContactStatus", "SuccessfulAuth"):
                continue
            rest = " ".join(
                f"{key}={heard[key]}"
                for key in ("MemberName", "Round", "Status", "Queue", "Outcome", "Cause", "Result")
                if heard[key]
            )
            lines.append(f"+{heard.ms} {heard['UserEvent'] or heard['Event']} {heard['Channel']} {rest}")
        return "\n".join(lines)

    def write(self, path: Path, title: str, since: int = 0) -> None:
        """The capture as text, from index `since` on: see tests/scenarios/captures/README.md."""
        lines = [f"# {title}"]
        notes = [note for note in self._notes if note[0] >= since]
        start = self.heard[since].ms if since else 0
        for index, heard in enumerate(self.heard[since:], since):
            while notes and notes[0][0] <= index:
                _, ms, text = notes.pop(0)
                lines.append(f"\n# +{ms - start} > {text}")
            lines.append(f"\n+{heard.ms - start}")
            lines += [f"{key}: {value}" for key, value in heard.headers]
        lines += [f"\n# +{ms - start} > {text}" for _, ms, text in notes]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _ms(self) -> int:
        return round((time.monotonic() - self._start) * 1000)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        headers: list[tuple[str, str]] = []
        try:
            while line := await reader.readline():
                text = line.decode(errors="replace").rstrip("\r\n")
                if text:
                    name, _, value = text.partition(": ")
                    headers.append((name.rstrip(":"), value))
                    continue
                await self._take(Heard(self._ms(), tuple(headers)))
                headers = []
        except ConnectionError:
            return  # Asterisk was killed: that is what some tests are about

    async def _take(self, heard: Heard) -> None:
        waiting = self._replies.pop(heard["ActionID"], None) if heard["Response"] else None
        if waiting is not None:
            waiting.set_result(heard)
        elif heard["Event"] and heard["Event"] not in NOISE:
            async with self._news:
                self.heard.append(heard)
                self._news.notify_all()
