"""What one node says of itself, asked by another client than the service's own.

asterisk-ami shares no line with telephony/ami: what both see alike is so. Of it the connection and the parser
are used; its futures keep the first answer only, so answers and rows are gathered here.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from asterisk.ami import AMIClient, SimpleAction

from core.errors import HotlineError

_ANSWER_S = 5.0


class NotWitnessed(HotlineError):
    """The node cannot be asked; the message says why, and what to look at."""


@dataclass(frozen=True, slots=True)
class SeatSeen:
    """A member of a queue as the node has it."""

    agent: str
    paused: bool
    reason: str


class _Client(AMIClient):  # type: ignore[misc]
    """Whoever answers at that port may be no Asterisk: then the connection has ended, as any other may."""

    def connect(self) -> None:
        try:
            super().connect()
        except OSError:
            self._socket.close()
            raise

    def listen(self) -> None:
        try:
            super().listen()
        except Exception as error:  # noqa: BLE001 - in a thread of its own, where nobody else would hear of it
            self._fire_on_disconnect(error=error)


class Witness:
    """One log-in. `login` first; every answer is waited for within five seconds."""

    def __init__(self, client: AMIClient) -> None:
        self._client = client
        self._heard: queue.Queue[Any] = queue.Queue()
        self._numbers = count(1)
        client.add_listener(
            on_response=lambda source, response: self._heard.put(response),
            on_event=lambda source, event: self._heard.put(event),
            on_disconnect=lambda source, error=None: self._heard.put(None),
        )

    def login(self, account: str, secret: str) -> None:
        """`NotWitnessed` if the node does not take the account."""
        answer = self._next(self._send("Login", Username=account, Secret=secret, Events="off"))
        if answer.status.lower() != "success":
            raise NotWitnessed(f"the account {account!r} is not taken: {answer.keys.get('Message', '')}")

    def version(self) -> str:
        """Asterisk's own."""
        answer = self._next(self._send("CoreSettings"))
        return str(answer.keys.get("AsteriskVersion", ""))

    def permitted(self) -> frozenset[str]:
        """The actions this account may send."""
        answer = self._next(self._send("ListCommands"))
        return frozenset(answer.keys) - {"ActionID"}

    def seats(self, name: str) -> dict[str, SeatSeen] | None:
        """The members of one queue by their device; None: the node has no such queue."""
        number = self._send("QueueStatus", Queue=name)
        answer = self._next(number)
        if answer.status.lower() != "success":
            raise NotWitnessed(f"QueueStatus is refused: {answer.keys.get('Message', '')}")
        found, known = {}, False
        while (event := self._next(number)).name != "QueueStatusComplete":
            known = known or event.name == "QueueParams"
            if event.name == "QueueMember":
                device = event.keys["Location"].partition("/")[2]
                found[device] = SeatSeen(
                    event.keys["Name"], event.keys["Paused"] == "1", event.keys.get("PausedReason", "")
                )
        return found if known else None

    def leave(self) -> None:
        """Log off, and wait for the node to hang up: its thread would listen on for seconds."""
        with suppress(NotWitnessed):  # it is gone already
            self._send("Logoff")
            self._next("")

    def _send(self, name: str, **headers: str) -> str:
        number = f"check-{next(self._numbers)}"
        # `send`, not `send_action`: that one waits by a future which keeps one answer of many.
        try:
            self._client.send(SimpleAction(name, ActionID=number, **headers))
        except OSError as error:
            raise NotWitnessed(
                "the connection was closed before anything was asked: is that Asterisk's manager interface?"
            ) from error
        return number

    def _next(self, number: str) -> Any:
        """The next answer or row that belongs to this action."""
        while True:
            try:
                heard = self._heard.get(timeout=_ANSWER_S)
            except queue.Empty:
                raise NotWitnessed(f"no answer within {_ANSWER_S:g} s: look at its log") from None
            if heard is None:
                raise NotWitnessed("the node has closed the connection: look at its log")
            if heard.keys.get("ActionID") == number:
                return heard


@contextmanager
def witness(host: str, port: int) -> Iterator[Witness]:
    """A connection to the node's manager interface; `NotWitnessed` if there is none to be had."""
    client = _Client(address=host, port=port, timeout=_ANSWER_S)
    heard = Witness(client)
    try:
        client.connect()
    except OSError as error:
        raise NotWitnessed(f"nobody answers at {host}:{port} ({error.strerror or error})") from error
    try:
        yield heard
    finally:
        heard.leave()
        client.disconnect()
