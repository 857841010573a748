"""The settings of notices: by which servers e-mail and text messages go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from core.errors import BadInput
from hotline.settings_section import Port, Section
from storage.notices.mail import Security
from storage.notices.returning import check_returns_address


def _returns_address(address: str) -> str:
    if address:
        try:
            check_returns_address(address, "")
        except BadInput as error:
            raise ValueError(error.problem) from error
    return address


class MailSettings(Section):
    """[mail] notices by e-mail; off until `host` names a server"""

    host: str = Field(default="", description="mail server; empty: no e-mail is sent")
    port: Port = Field(default=587, description="its port")
    security: Security = Field(
        default=Security.STARTTLS, description="starttls, tls, or none (then without a user, too)"
    )
    user: str = Field(default="", description="user at the server; empty: it asks for none")
    password: SecretStr | None = Field(default=None, description="that user's password")
    sender: str = Field(default="", description="address that notices come from")
    ca_file: Path | None = Field(
        default=None, description="certificates of who signed the server's; empty: those of the system"
    )
    timeout_s: int = Field(default=20, ge=1, le=50, description="longest wait for one answer, seconds")
    at_once: int = Field(
        default=4, ge=1, le=20, description="so many mails are under way at a time; urgent ones besides"
    )
    returns: Annotated[str, AfterValidator(_returns_address)] = Field(
        default="",
        description="address that mail comes back to, such as hotline+*@bank.example: a mark of the mail "
        "stands for the `*`; empty: `sender`",
    )
    returns_maildir: Path | None = Field(
        default=None,
        description="Maildir folder into which the mail system delivers what comes back; empty: none is read",
    )


class SmsSettings(Section):
    """[sms] notices by text message; off until `url` names a gateway"""

    url: str = Field(default="", description="where the gateway takes messages; empty: none is sent")
    account: str = Field(default="", description="who we are to it")
    key: SecretStr | None = Field(default=None, description="key that signs requests and delivery reports")
    signature: str = Field(default="", max_length=20, description="【…】 before every text")
    timeout_s: int = Field(default=10, ge=1, le=50, description="longest wait for its answer, seconds")
    at_once: int = Field(
        default=4, ge=1, le=20, description="so many texts are under way at a time; urgent ones besides"
    )
