"""One node, three log-ins: what it tells (events), what we tell it (commands), how it sees itself (resync).

Asterisk runs a session's actions and writes its events in one thread; so each has a session, and an account
with no more rights than it needs. Everything comes out as one ordered stream of items.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from core.clock import MILLISECOND, SECOND, Clock, Duration, Instant
from telephony.ami import actions
from telephony.ami.accounts import NodeAccess, Role
from telephony.ami.action import Action
from telephony.ami.backoff import Backoff
from telephony.ami.errors import SnapshotFailed
from telephony.ami.inbox import Gap, Inbox
from telephony.ami.pending import Reply
from telephony.ami.session import AmiSession, SessionSettings, State
from telephony.ami.snapshot import NodeSnapshot, node_snapshot
from telephony.ami.wire import Message

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """`inbox`: how many messages may wait for their reader before a gap is declared. `resync_linger`: so long
    after a snapshot its session stays logged in for the next."""

    session: SessionSettings = field(default_factory=SessionSettings)
    inbox: int = 20_000
    resync_linger: Duration = 10 * SECOND
    snapshot_again_first: Duration = 200 * MILLISECOND
    snapshot_again_most: Duration = 10 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The node tells us its events from here on, and is fully booted. A NodeSnapshot follows, begun after it:
    between a loss and the next of these there is none, for what it would be held against is not known yet.

    `uptime` comes in whole seconds. `restarted`: since we were last connected, so its calls are gone.
    """

    at: Instant
    uptime: Duration
    restarted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The node does not tell us its events any more."""

    at: Instant
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged:
    """A session's state changed: for alarms; REFUSED needs a person."""

    at: Instant
    role: Role
    state: State
    cause: str


Item = Message | Gap | Connected | Lost | RoleChanged | NodeSnapshot


class NodeLink:
    """`run()` until `stop()`; read `batches()` or `items()` in one task, `send()` from any.

    `queues` answers with the queues a snapshot asks for.
    """

    def __init__(
        self,
        access: NodeAccess,
        *,
        queues: Callable[[], Sequence[str]],
        clock: Clock,
        random: Callable[[], float],
        settings: LinkSettings | None = None,
    ) -> None:
        self._settings = settings or LinkSettings()
        self._queues = queues
        self._clock = clock
        self._random = random
        self._inbox: Inbox[Item] = Inbox(self._settings.inbox, clock)
        self._sessions = {role: self._session(access, role) for role in Role}
        self._snapshot_wanted = asyncio.Event()
        self._resync_up = asyncio.Event()
        self._listening = asyncio.Event()
        self._connections = 0
        self._lost: tuple[Instant, str] | None = None
        self._booted: float | None = None

    def _session(self, access: NodeAccess, role: Role) -> AmiSession:
        return AmiSession(
            access.account(role),
            role=role,
            on_message=self._on_event if role is Role.EVENTS else _ignore,
            on_state=partial(self._on_state, role),
            clock=self._clock,
            random=self._random,
            settings=self._settings.session,
        )

    # ------------------------------------------------------------------ for users

    async def run(self) -> None:
        """Keeps the three sessions up until stopped or cancelled; takes a snapshot whenever one is due."""
        try:
            async with asyncio.TaskGroup() as group:
                resync = group.create_task(self._resync())
                running = [group.create_task(session.run()) for session in self._sessions.values()]
                await asyncio.wait(running)
                resync.cancel()
        finally:
            self._inbox.close()

    async def stop(self) -> None:
        """Logs off; `run()` and the stream end."""
        await asyncio.gather(*(session.stop() for session in self._sessions.values()))

    async def send(self, action: Action) -> Reply:
        """Sends a command, once."""
        return await self._sessions[Role.COMMANDS].send(action)

    async def batches(self, most: int = 1_000) -> AsyncIterator[list[Item]]:
        """What came in, in order, as much at once as is there."""
        while batch := await self._inbox.take(most):
            if any(type(item) is Gap and item.dropped >= 0 for item in batch):
                self._snapshot_wanted.set()  # a gap after a loss has its snapshot under way already
            yield batch

    async def items(self) -> AsyncIterator[Item]:
        """The same one by one."""
        async for batch in self.batches():
            for item in batch:
                yield item

    def session(self, role: Role) -> AmiSession:
        """One of the three, for its state and its lag."""
        return self._sessions[role]

    @property
    def connected(self) -> bool:
        """Whether the node is fully booted and tells us its events."""
        return self._listening.is_set()

    @property
    def lost_since(self) -> Instant | None:
        """When it was last heard, if it was connected once and is no longer."""
        return self._lost[0] if self._lost is not None else None

    @property
    def waiting(self) -> int:
        """Items that came in and were not read yet."""
        return len(self._inbox)

    def try_again(self) -> None:
        """The accounts have been put right after a refusal."""
        for session in self._sessions.values():
            session.try_again()

    def resync(self) -> None:
        """Take a snapshot as soon as the node is connected, and put it into the stream."""
        self._snapshot_wanted.set()

    async def snapshot(self) -> NodeSnapshot:
        """The node's own picture, now; `SnapshotFailed` if any part of it did not come whole."""
        if self._sessions[Role.RESYNC].state is State.IDLE:
            self._sessions[Role.RESYNC].want()
            await self._resync_up.wait()
        began = self._clock()
        settings = await self._ask(actions.core_settings())
        status = await self._ask(actions.core_status())
        queues = {queue: await self._list(actions.queue_status(queue)) for queue in self._queues()}
        channels = await self._list(actions.channel_status())
        devices = await self._list(actions.device_states())
        try:
            return node_snapshot(
                began=began,
                ended=self._clock(),
                settings=settings,
                status=status,
                queue_rows=queues,
                channel_rows=channels,
                device_rows=devices,
            )
        except (KeyError, ValueError) as problem:
            raise SnapshotFailed(f"a row is not as Asterisk 22 sends it: {problem}") from problem

    async def _ask(self, action: Action) -> Message:
        reply = await self._sessions[Role.RESYNC].send(action)
        if not reply.done or reply.message is None:
            raise SnapshotFailed(f"no snapshot: {reply.why}")
        return reply.message

    async def _list(self, action: Action) -> tuple[Message, ...]:
        reply = await self._sessions[Role.RESYNC].send(action)
        if not reply.done:
            raise SnapshotFailed(f"no snapshot: {reply.why}")
        return reply.rows

    # ------------------------------------------------------------------ what the sessions tell

    def _on_event(self, message: Message) -> None:
        now = self._clock()
        self._sessions[Role.EVENTS].lag.heard(message.get("Timestamp"), now)
        if message.name == "FullyBooted":
            self._connected(int(message["Uptime"]), now)
        else:
            self._inbox.put(message)

    def _connected(self, uptime: int, now: Instant) -> None:
        booted = asyncio.get_running_loop().time() - uptime
        # Whole seconds on their side: two readings of the same start differ by up to one, and some delay.
        restarted = self._booted is not None and booted - self._booted > 1.5
        self._booted = booted
        self._connections += 1
        self._listening.set()
        self._inbox.put_always(Connected(at=now, uptime=uptime * SECOND, restarted=restarted))
        if self._lost is not None:
            since, cause = self._lost
            self._inbox.put_always(Gap(since=since, until=now, cause=cause))
            self._lost = None
        self._snapshot_wanted.set()

    def _on_state(self, role: Role, state: State, cause: str) -> None:
        now = self._clock()
        self._inbox.put_always(RoleChanged(at=now, role=role, state=state, cause=cause))
        if role is Role.RESYNC:
            (self._resync_up.set if state is State.UP else self._resync_up.clear)()
        if role is Role.EVENTS and state is State.DOWN and self.connected:
            self._listening.clear()
            self._lost = (self._sessions[role].heard_at or now, f"not connected: {cause}")
            self._inbox.put_always(Lost(at=now, cause=cause))

    async def _until_wanted(self, session: AmiSession) -> None:
        """A snapshot is due; the session rests meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.resync_linger / SECOND):
                await self._snapshot_wanted.wait()
        if not self._snapshot_wanted.is_set():
            await session.rest()
            await self._snapshot_wanted.wait()

    async def _resync(self) -> None:
        settings = self._settings
        again = Backoff(settings.snapshot_again_first, settings.snapshot_again_most, self._random)
        session = self._sessions[Role.RESYNC]
        while True:
            await self._until_wanted(session)
            await self._listening.wait()
            session.want()
            if not self._resync_up.is_set():
                await self._resync_up.wait()
                continue  # the node may have been lost meanwhile
            self._snapshot_wanted.clear()
            connection = self._connections
            try:
                snapshot = await self.snapshot()
            except SnapshotFailed as problem:
                _log.warning("ami.snapshot_failed", action="resync", cause=str(problem))
                self._snapshot_wanted.set()
                await asyncio.sleep(again.next() / SECOND)
                continue
            again.reset()
            if self.connected and connection == self._connections:
                self._inbox.put_always(snapshot)
            # else it is of a connection that is no more: the next one wants its own


def _ignore(_message: Message) -> None:
    """Commands and resync have switched events off; what comes all the same is nobody's."""
