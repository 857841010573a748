"""What is agreed with the provider, what it says of itself, and the two ways it can go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.clock import MINUTE, Duration
from web.errors import WebError

BACK = "/api/session/oidc/back"
"""Where the provider sends people back to."""
ENDED = "/api/session/oidc/ended"
"""Where it says itself that a session there has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcOptions:
    """`issuer`: the provider's own name for itself, an https URL. `address`: ours as browsers see it, such as
    `https://hotline.bank.example`. `claim`: what holds the staff number. `name`: what people call the
    provider. `ca_file`: who signed its certificate, if not those of the system. `skew`: how far its clock
    may be from ours.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    address: str
    claim: str = "preferred_username"
    scopes: tuple[str, ...] = ("openid", "profile")
    name: str = "OpenID Connect"
    ca_file: Path | None = None
    skew: Duration = MINUTE

    @property
    def back(self) -> str:
        """The redirect URI that the provider has to know."""
        return self.address + BACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the provider publishes of itself (OpenID Connect Discovery 1.0), as far as we need it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    basic: bool = True
    names_itself: bool = False


class OidcRefused(WebError):
    """Somebody comes back from the provider and is not let in. `people`: why, as it is told to them."""

    def __init__(self, why: str, people: Plain, *, status: int = 403) -> None:
        super().__init__(why)
        self.people = people
        self.status = status


class ProviderDown(WebError):
    """The provider cannot be asked, or says what no provider says."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A sentence for people, in both languages."""

    zh: str
    en: str
