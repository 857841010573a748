"""Sessions and links as the tests run them: quick settings, and states that can be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from core.clock import MILLISECOND, SECOND, Duration, system_clock
from telephony.ami.accounts import Account, NodeAccess, Role
from telephony.ami.link import Item, LinkSettings, NodeLink
from telephony.ami.session import AmiSession, SessionSettings, State
from telephony.ami.wire import Message

SECRET = "s3cret-of-the-test"
QUICK = SessionSettings(
    connect_within=2 * SECOND,
    ping_every=50 * MILLISECOND,
    silence=400 * MILLISECOND,
    backoff_first=20 * MILLISECOND,
    backoff_most=200 * MILLISECOND,
)


class Watched:
    """One running session with all it told."""

    def __init__(
        self,
        port: int,
        *,
        on_message: Callable[[Message], None] | None = None,
        account: Account | None = None,
        settings: SessionSettings = QUICK,
    ) -> None:
        self.messages: list[Message] = []
        self.states: list[tuple[State, str]] = []
        self._changed = asyncio.Event()
        self.session = AmiSession(
            account or Account(host="127.0.0.1", port=port, username="u", secret=SECRET, events="call"),
            role="test",
            on_message=on_message or self._keep,
            on_state=self._state,
            clock=system_clock,
            random=lambda: 0.5,
            settings=settings,
        )

    def _keep(self, message: Message) -> None:
        self.messages.append(message)
        self._changed.set()

    def _state(self, state: State, cause: str) -> None:
        self.states.append((state, cause))
        self._changed.set()

    async def until(self, condition: Callable[[], bool], seconds: float = 5) -> None:
        """Returns when `condition` holds; looked at after every message and change of state."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def up(self, times: int = 1) -> None:
        """Returns when the session has been up `times` times."""
        await self.until(lambda: [state for state, _ in self.states].count(State.UP) >= times)

    async def becomes(self, state: State, seconds: float = 5) -> str:
        """Returns the cause given when the session first became `state`."""
        await self.until(lambda: any(each is state for each, _ in self.states), seconds)
        return next(cause for each, cause in self.states if each is state)


@asynccontextmanager
async def running(port: int, **options: object) -> AsyncIterator[Watched]:
    """A session against 127.0.0.1:port, stopped at the end; what ends `run()` badly is raised."""
    watched = Watched(port, **options)  # type: ignore[arg-type]
    task = asyncio.create_task(watched.session.run())
    try:
        yield watched
    finally:
        async with asyncio.timeout(30):
            await watched.session.stop()
            await task


class WatchedLink:
    """One running link and the items it gave."""

    def __init__(self, link: NodeLink) -> None:
        self.link = link
        self.items: list[Item] = []
        self._came = asyncio.Condition()

    async def read(self) -> None:
        """Reads the stream to its end."""
        async for batch in self.link.batches():
            async with self._came:
                self.items += batch
                self._came.notify_all()

    def of(self, *kinds: type) -> list[Item]:
        """The items of these kinds so far."""
        return [item for item in self.items if isinstance(item, kinds)]

    async def until(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        """Returns when `condition` holds; looked at after every batch."""
        async with asyncio.timeout(seconds), self._came:
            await self._came.wait_for(condition)


def link_to(
    port: int,
    *,
    queues: Sequence[str] = (),
    secrets: dict[Role, str] | None = None,
    inbox: int = 20_000,
    session: SessionSettings = QUICK,
    resync_linger: Duration = 10 * SECOND,
) -> NodeLink:
    """A link to 127.0.0.1:port with quick settings."""
    access = NodeAccess(host="127.0.0.1", port=port, secrets=secrets or dict.fromkeys(Role, SECRET))
    settings = LinkSettings(
        session=session,
        inbox=inbox,
        resync_linger=resync_linger,
        snapshot_again_first=20 * MILLISECOND,
    )
    return NodeLink(access, queues=lambda: queues, clock=system_clock, random=lambda: 0.5, settings=settings)


@asynccontextmanager
async def unread(link: NodeLink) -> AsyncIterator[WatchedLink]:
    """The link running with nobody reading it, stopped at the end."""
    watched = WatchedLink(link)
    run = asyncio.create_task(link.run())
    try:
        yield watched
    finally:
        async with asyncio.timeout(30):
            await link.stop()
            await run


@asynccontextmanager
async def reading(watched: WatchedLink) -> AsyncIterator[None]:
    """Somebody reads it meanwhile."""
    task = asyncio.create_task(watched.read())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def linked(link: NodeLink) -> AsyncIterator[WatchedLink]:
    """The link running and being read to its end, stopped at the end."""
    async with unread(link) as watched:
        task = asyncio.create_task(watched.read())
        yield watched
    await asyncio.wait_for(task, 30)
