"""E-mail by SMTP: one connection for each message, in the steps of RFC 5321.

The step that fails decides what is known. Before the message itself is handed over nothing has left; after
it, only the server's answer says so.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_FORM
from email.utils import format_datetime
from enum import StrEnum
from pathlib import Path

import aiosmtplib
from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
)

from core.clock import moment
from core.errors import BadInput
from storage.notices.channel import ChannelDown, Message, NotNow, OutcomeUnknown, Refused
from storage.notices.returning import Returns

_PERMANENT = 500
_CLOSING = 421
_GOODBYE_S = 2.0
_FOOTER = "\n\n--\n本邮件由客户服务中心系统自动发送,请勿直接回复。\n"


class Security(StrEnum):
    """How the connection is protected."""

    STARTTLS = "starttls"
    """Begun in clear and protected before anything is said; a server that cannot is not used."""
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail goes. `sender`: the address it comes from; `user`: "" where the server asks for none.
    `returns`: how what comes back is known as ours; None: it comes back to the sender, and nobody reads it.
    """

    host: str
    port: int
    sender: str
    security: Security = Security.STARTTLS
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout_s: float = 20.0
    returns: Returns | None = None

    def envelope_sender(self, message: Message) -> str:
        """Where the message comes back to."""
        return self.sender if self.returns is None else self.returns.sender(message.id)

    def mark(self, message: Message) -> str:
        """What the message is called by, the same at every attempt."""
        return message.id if self.returns is None else self.returns.token(message.id)


class MailChannel:
    """A `Channel` by one mail server."""

    def __init__(self, server: MailServer) -> None:
        """`BadInput` if the file with the certificates cannot be read."""
        self._server = server
        self._tls: ssl.SSLContext | None = None
        if server.security is not Security.NONE:
            try:
                self._tls = ssl.create_default_context(cafile=server.ca_file)
            except (OSError, ssl.SSLError) as error:
                raise BadInput(str(server.ca_file), f"holds no certificates: {error}") from error

    async def send(self, message: Message) -> None:
        """Hand one message to the server."""
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.timeout_s,
            use_tls=server.security is Security.TLS,
            start_tls=server.security is Security.STARTTLS,
            tls_context=self._tls,
        )
        try:
            await self._greet(client)
            await self._address(client, message)
            await self._hand_over(client, mail_of(message, server.sender, server.mark(message)))
        finally:
            with suppress(SMTPException, OSError):
                await client.quit(timeout=_GOODBYE_S)
            client.close()

    async def _greet(self, client: aiosmtplib.SMTP) -> None:
        where = f"the mail server {self._server.host}:{self._server.port}"
        try:
            await client.connect()
            if self._server.user:
                await client.login(self._server.user, self._server.password)
        except SMTPAuthenticationError as error:
            raise ChannelDown(f"{where} refuses the user {self._server.user}: {error.message}") from error
        except (SMTPException, OSError) as error:
            raise ChannelDown(f"{where} does not serve: {error}") from error

    async def _address(self, client: aiosmtplib.SMTP, message: Message) -> None:
        sender = self._server.envelope_sender(message)
        try:
            await client.mail(sender)
            await client.rcpt(message.address)
        except SMTPRecipientRefused as error:
            if error.code == _CLOSING:
                raise ChannelDown(f"the mail server closes: {error.message}") from error
            kind = Refused if error.code >= _PERMANENT else NotNow
            raise kind(f"{error.code} {error.message}") from error
        except (SMTPException, OSError) as error:
            raise ChannelDown(f"the mail server takes nothing from {sender}: {error}") from error

    @staticmethod
    async def _hand_over(client: aiosmtplib.SMTP, mail: EmailMessage) -> None:
        try:
            await client.data(mail.as_bytes(policy=SMTP_FORM))
        except SMTPResponseException as error:
            kind = Refused if error.code >= _PERMANENT else NotNow
            raise kind(f"{error.code} {error.message}") from error
        except (SMTPException, OSError) as error:
            raise OutcomeUnknown(
                f"the mail server did not say whether it took the message: {error}"
            ) from error


def mail_of(message: Message, sender: str, mark: str = "") -> EmailMessage:
    """The mail as it goes out: its `Message-ID` is the same at every attempt. `mark`: if it is not the id."""
    mail = EmailMessage(policy=SMTP_FORM)
    mail["From"] = sender
    mail["To"] = message.address
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(moment(message.made_at))
    mail["Message-ID"] = f"<{mark or message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # so that no holiday answer comes back to it
    mail.set_content(message.text + _FOOTER)
    return mail
