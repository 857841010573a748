"""A real mail server on loopback, in the test's own event loop, that can be told how to behave."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "hotline", "open sesame"


@dataclass
class Mailroom:
    """`received`: what it took, in order; `recipients`, `senders`: of its envelopes. `rcpt`, `data`: an
    answer other than yes, by recipient.
    """

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    accounts: bool = False
    received: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    hang_up_after: set[str] = field(default_factory=set)
    """It takes their mail, and the connection breaks before it has said so."""
    on_mail: Callable[[str], None] = lambda _: None
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.Transport] = field(default_factory=set)

    async def open(self) -> None:
        """Begin to serve; the second time at the port of the first."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._session,
            "127.0.0.1",
            self.port,
            ssl=self.tls if self.implicit else None,
            reuse_address=True,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Serve nobody, and cut off those who are served."""
        if self._server is not None:
            self._server.close()
            for transport in list(self._open):
                transport.abort()
            await self._server.wait_closed()
            self._server = None

    def _session(self) -> SMTP:
        more: dict[str, Any] = {}
        if self.tls and not self.implicit:
            more |= {"tls_context": self.tls, "require_starttls": True}
        if self.accounts:
            more |= {
                "authenticator": self._authenticate,
                "auth_required": True,
                "auth_require_tls": not self.implicit,
            }
        with warnings.catch_warnings():  # it does not know that an implicit connection is protected, too
            warnings.simplefilter("ignore", UserWarning)
            return _Counted(self, self, hostname="mail.bank.example", **more)

    @staticmethod
    def _authenticate(_: SMTP, __: Session, ___: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        good = data.login == USER.encode() and data.password == PASSWORD.encode()
        return AuthResult(success=good, handled=False)

    # what aiosmtpd asks

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _: Session, envelope: Envelope, address: str, __: list[str]
    ) -> str:
        if answer := self.rcpt.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        (address,) = envelope.rcpt_tos
        if answer := self.data.get(address):
            return answer
        assert isinstance(envelope.content, bytes)
        self.received.append(message_from_bytes(envelope.content, policy=default))
        self.recipients.append(address)
        self.senders.append(envelope.mail_from or "")
        self.on_mail(address)
        if address in self.hang_up_after:
            self.hang_up_after.discard(address)
            server.transport.abort()
        return "250 OK"


class _Counted(SMTP):
    """A session whose connection the mailroom can cut off."""

    def __init__(self, room: Mailroom, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._room = room

    def connection_made(self, transport: Any) -> None:
        self._room._open.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._room._open = {one for one in self._room._open if not one.is_closing()}
        super().connection_lost(error)
