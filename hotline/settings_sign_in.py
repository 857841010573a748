"""The settings of signing in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from hotline.settings_section import Section, origin

_SAFE_URL = re.compile(r"https://[^/]|http://(?:127\.0\.0\.1|localhost)(?:[:/]|$)")


def _address(text: str) -> str:
    return origin(text) if text else text


class SessionSettings(Section):
    """[session] how long a sign-in lasts, when one is locked out, and what passwords must be like"""

    idle_minutes: int = Field(
        default=30, ge=1, le=1440, description="ends after so many minutes without a request"
    )
    longest_hours: int = Field(default=12, ge=1, le=72, description="ends after so many hours in any case")
    failures: int = Field(
        default=5, ge=1, le=100, description="wrong passwords in a row that lock a sign-in out"
    )
    lock_minutes: int = Field(default=15, ge=1, le=1440, description="how long it is then locked out")
    password_length: int = Field(default=12, ge=8, le=72, description="least characters of a new password")
    password_days: int = Field(
        default=90, ge=0, le=3650, description="a password has to be changed after so many days; 0: never"
    )
    former_passwords: int = Field(
        default=5, ge=0, le=24, description="so many passwords before the present one may not come again"
    )
    change_initial: bool = Field(
        default=True,
        description="a password made by another is to be changed at the first sign-in; false only where "
        "nobody's work is protected by it, as in the demo",
    )


class OidcSettings(Section):
    """[oidc] signing in by the bank's identity provider (OpenID Connect), off until `issuer` names it"""

    issuer: str = Field(default="", description="what the provider calls itself; empty: passwords alone")
    name: str = Field(
        default="统一认证", max_length=40, description="what people call it, for the sign-in page"
    )
    client_id: str = Field(default="", description="who we are to it")
    client_secret_file: Path | None = Field(default=None, description="file with the secret it gave us")
    address: Annotated[str, AfterValidator(_address)] = Field(
        default="",
        description="our own address as browsers see it, https://hotline.bank.example; the provider has to "
        "know it followed by /api/session/oidc/back (redirect), by /board/ (after signing out) and by "
        "/api/session/oidc/ended (where it tells who has signed out there)",
    )
    claim: str = Field(
        default="preferred_username", min_length=1, description="what in its answer is the staff number"
    )
    scopes: tuple[str, ...] = Field(default=("openid", "profile"), description="what we ask of it")
    ca_file: Path | None = Field(
        default=None, description="certificates of who signed the provider's; empty: those of the system"
    )
    passwords: bool = Field(
        default=True, description="who has signed in by it may use their password as well"
    )

    def require_whole(self) -> None:
        """ValueError, as a check of the settings says it, if a provider is named and something is missing."""
        if not self.issuer:
            return
        if not _SAFE_URL.match(self.issuer):
            raise ValueError("oidc.issuer: begin with https:// (http:// only on this host)")
        if not (self.client_id and self.client_secret_file):
            raise ValueError("oidc.client_id: give it and client_secret_file, or leave issuer empty")
        if not _SAFE_URL.match(self.address):
            raise ValueError("oidc.address: write our own address, such as https://hotline.bank.example")
        if "openid" not in self.scopes:
            raise ValueError("oidc.scopes: openid has to be among them")
