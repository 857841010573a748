"""One supervised log-in at one node: connects, logs in, keeps alive, begins again.

The reader only frames, counts replies in and hands events on; it never waits for anybody. Nothing that was
sent before a connection broke is sent again after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import structlog

from core.clock import MILLISECOND, SECOND, Clock, Duration, Instant
from telephony.ami import actions
from telephony.ami.accounts import Account
from telephony.ami.action import Action
from telephony.ami.age import Lag
from telephony.ami.backoff import Backoff
from telephony.ami.errors import AmiError, ConnectionGone, LoginRefused
from telephony.ami.pending import Outcome, Pending, Reply, Settled
from telephony.ami.wire import Framer, Message

_log = structlog.get_logger(__name__)

_CHUNK = 64 * 1024
_MOST_UNSENT = 1024 * 1024
_GOING = "shutting down"


class State(StrEnum):
    """How a session stands."""

    CONNECTING = "connecting"
    """Not connected yet since it was started."""
    DOWN = "down"
    UP = "up"
    REFUSED = "refused"
    """The node does not accept the account: an alarm; `try_again` once it has been put right."""
    IDLE = "idle"
    """Logged off until it is wanted again."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """Durations in µs. A connection on which nothing comes for `silence` is ended.

    `gather`: how long, after something was read, what follows may gather before it is read together.
    """

    connect_within: Duration = 5 * SECOND
    ping_every: Duration = SECOND
    silence: Duration = 5 * SECOND
    backoff_first: Duration = 200 * MILLISECOND
    backoff_most: Duration = 10 * SECOND
    stable_after: Duration = 30 * SECOND
    gather: Duration = 10 * MILLISECOND


OnMessage = Callable[[Message], None]
OnState = Callable[[State, str], None]
"""Told of every change of state, with the cause for people ("" when there is none)."""


class AmiSession:
    """`run()` until `stop()`; `send()` meanwhile. `role` names the session in logs and ActionIDs."""

    def __init__(
        self,
        account: Account,
        *,
        role: str,
        on_message: OnMessage,
        on_state: OnState,
        clock: Clock,
        random: Callable[[], float],
        settings: SessionSettings | None = None,
    ) -> None:
        self._account = account
        self._settings = settings or SessionSettings()
        self._role = role
        self._on_message = on_message
        self._on_state = on_state
        self._clock = clock
        self._backoff = Backoff(self._settings.backoff_first, self._settings.backoff_most, random)
        self._log = _log.bind(role=role, node=f"{account.host}:{account.port}")
        self._pending = Pending(f"{role}-{clock():x}")
        self._waiters: dict[str, asyncio.Future[Reply]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._again = asyncio.Event()
        self._stopping = asyncio.Event()
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._resting = False
        self._heard: Instant = 0
        self.state = State.CONNECTING
        self.heard_at: Instant | None = None
        """When the node last sent anything, on our clock."""
        self.lag = Lag()
        self.handler_errors = 0

    # ------------------------------------------------------------------ for users

    @property
    def late_replies(self) -> int:
        """Replies that came after their deadline and were dropped."""
        return self._pending.late

    async def send(self, action: Action) -> Reply:
        """Sends `action` once and waits for how it ends; never raises for what the node does."""
        if self.state is not State.UP:
            why = f"{action.name}: not sent, the {self._role} session is {self.state}"
            return Reply(Outcome.REFUSED, why=why)
        return await self._send(action)

    def try_again(self) -> None:
        """After REFUSED: the account has been put right."""
        self._again.set()

    async def rest(self) -> None:
        """Logs off until `want`: a session that stands is woken by every event of the node, wanted or not."""
        if self.state is State.UP:
            self._resting = True
            self._wanted.clear()
            await self._log_off()

    def want(self) -> None:
        """Log in again, if it rests."""
        self._wanted.set()

    async def stop(self) -> None:
        """Logs off if possible and ends `run()`."""
        self._stopping.set()  # before the node closes, which then is no loss
        self._again.set()
        self._wanted.set()
        await self._log_off()

    async def _log_off(self) -> None:
        if self.state is State.UP:
            await self._send(actions.logoff())
        if self._writer is not None:
            self._writer.close()

    async def run(self) -> None:
        """Connects, and connects again, until stopped or cancelled."""
        try:
            while not self._stopping.is_set():
                await self._once()
                if self._resting and not self._stopping.is_set():
                    self._become(State.IDLE, "")
                    await self._wanted.wait()
                self._resting = False
        finally:
            self._become(State.STOPPED, "")

    # ------------------------------------------------------------------ one connection

    async def _once(self) -> None:
        try:
            await self._connection()
        except LoginRefused as refusal:
            self._become(State.REFUSED, str(refusal))
            self._again.clear()
            if not self._stopping.is_set():
                await self._again.wait()
        except (AmiError, OSError) as problem:
            if self._stopping.is_set() or self._resting:
                return
            self._become(State.DOWN, str(problem))
            delay = self._backoff.next()
            self._log.info("ami.again", action="reconnect", after_ms=delay // MILLISECOND)
            await self._unless_stopped(delay)

    async def _unless_stopped(self, delay: Duration) -> None:
        try:
            async with asyncio.timeout(delay / SECOND):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _connection(self) -> None:
        reader, self._writer = await self._connect()
        cause = "stopped"
        cancelled_before = _cancel_requests()
        try:
            if self._stopping.is_set():
                return
            self._heard = self._now()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(reader), name=f"ami-{self._role}-read")
                group.create_task(self._keep_alive(), name=f"ami-{self._role}-alive")
        except BaseExceptionGroup as problems:
            # Python 3.11.2 (Debian 12) leaves the cancellation behind by which a group ended its own waiting;
            # every time-out after it would be taken for a cancellation of ours.
            while _cancel_requests() > cancelled_before:
                _this_task().uncancel()
            first = _first(problems)
            cause = str(first)
            raise first from None
        finally:
            self._end_connection(cause)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        account, seconds = self._account, self._settings.connect_within / SECOND
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.open_connection(account.host, account.port)
        except TimeoutError:
            problem: object = f"no answer within {seconds:g} s"
        except OSError as refused:
            problem = refused
        raise ConnectionGone(f"{account.host}:{account.port} cannot be reached: {problem}")

    def _end_connection(self, cause: str) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.transport.abort()
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        self._settle(self._pending.lose(f"the connection was lost ({cause}); it may have been done"))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        framer = Framer()
        while data := await reader.read(_CHUNK):
            self._heard, self.heard_at = self._now(), self._clock()
            for message in framer.feed(data):
                self._take(message)
            await self._gather()
        # Who waits for the last replies reads them first: a refused log-in and its end come together.
        await asyncio.sleep(0)
        raise ConnectionGone("the node closed the connection")

    async def _gather(self) -> None:
        """Let what the node says next gather in the socket: it writes every event by itself, and to be woken
        for each would cost more than to read it. What comes after a silence is read at once."""
        if self._writer is None:
            return
        # open_connection's transport reads as well; uvloop's is no subclass that could be asked for it.
        transport = cast("asyncio.Transport", self._writer.transport)
        transport.pause_reading()
        try:
            await asyncio.sleep(self._settings.gather / SECOND)
        finally:
            transport.resume_reading()

    async def _keep_alive(self) -> None:
        account, settings = self._account, self._settings
        login = await self._send(actions.login(account.username, account.secret, account.events))
        if login.outcome is Outcome.REFUSED:
            said = (login.message and login.message.get("Message")) or login.why
            if _GOING in said:  # every action is refused so while Asterisk ends, or restarts gracefully
                raise ConnectionGone(f"{account.host}:{account.port} takes no log-in: {said}")
            raise LoginRefused(
                f"{account.host}:{account.port} does not accept {account.username!r} ({said}):"
                " check the account in manager.conf and our settings"
            )
        if not login.done:
            raise ConnectionGone("no answer to the log-in")
        self._become(State.UP, "")
        since = self._now()
        while True:
            await self._ping()
            if self._now() - since > settings.stable_after:
                self._backoff.reset()
            await asyncio.sleep(settings.ping_every / SECOND)

    async def _ping(self) -> None:
        sent, sent_at = self._now(), self._clock()
        reply = await self._send(actions.ping(self._settings.silence))
        if reply.outcome is Outcome.TIMED_OUT and self._heard <= sent:
            seconds = self._settings.silence / SECOND
            raise ConnectionGone(f"the node has been silent for {seconds:g} s")
        if reply.message is not None:
            self.lag.ponged(sent_at, self._now() - sent, reply.message.get("Timestamp"))

    # ------------------------------------------------------------------ messages and replies

    def _take(self, message: Message) -> None:
        if self._pending.is_ours(message):
            settled = self._pending.take(message)
            if settled is not None:
                self._settle([settled])
            return
        try:
            self._on_message(message)
        except Exception:  # noqa: BLE001  # whatever a handler does, the others go on
            self.handler_errors += 1
            self._log.exception("ami.handler_failed", action="hand_on", message=message.name)

    async def _send(self, action: Action) -> Reply:
        writer = self._writer
        if writer is None or writer.transport.is_closing():
            return Reply(Outcome.REFUSED, why=f"{action.name}: not sent, there is no connection")
        if writer.transport.get_write_buffer_size() > _MOST_UNSENT:
            return Reply(Outcome.REFUSED, why=f"{action.name}: not sent, the node does not read")
        action_id = self._pending.add(action, self._now())
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[action_id] = waiter
        writer.write(action.encode(action_id))
        self._watch_deadline()
        reply: Reply = await waiter
        return reply

    def _settle(self, settled: list[Settled]) -> None:
        for action_id, reply in settled:
            waiter = self._waiters.pop(action_id)
            if not waiter.done():  # who asked may have been cancelled
                waiter.set_result(reply)

    def _watch_deadline(self) -> None:
        due = self._pending.next_deadline()
        if due is None:
            return
        when = due / SECOND
        if self._expiry is not None:
            if self._expiry.when() <= when:
                return
            self._expiry.cancel()
        self._expiry = asyncio.get_running_loop().call_at(when, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        self._settle(self._pending.expire(self._now()))
        self._watch_deadline()

    def _now(self) -> Instant:
        # Deadlines and silence are measured on a clock that nobody sets.
        return round(asyncio.get_running_loop().time() * SECOND)

    def _become(self, state: State, cause: str) -> None:
        before, self.state = self.state, state
        if before is state:
            return
        log = self._log.error if state is State.REFUSED else self._log.info
        log("ami.state", action="session", before=before, state=state, cause=cause)
        try:
            self._on_state(state, cause)
        except Exception:  # noqa: BLE001  # as with messages: the session goes on
            self.handler_errors += 1
            self._log.exception("ami.handler_failed", action="state", state=state)


def _first(problems: BaseExceptionGroup) -> BaseException:
    inner = problems.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a session's connection is kept by a task")
    return task


def _cancel_requests() -> int:
    return _this_task().cancelling()
