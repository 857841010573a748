"""What the settings want of passwords, and of the identity provider."""

from __future__ import annotations

from collections.abc import Collection

from core.clock import DAY, Clock
from core.errors import BadInput
from directory.credentials import Credentials
from directory.lookup import Directory
from hotline.settings import Settings
from web.oidc.model import OidcOptions
from web.oidc.provider import ProviderClient
from web.password_rules import PasswordRule

_SECRET = "oidc.client_secret_file"  # noqa: S105  a setting's name


def password_rule(settings: Settings) -> PasswordRule:
    """What passwords must be like."""
    wanted = settings.session
    return PasswordRule(
        length=wanted.password_length,
        good_for=wanted.password_days * DAY,
        former=wanted.former_passwords,
        change_initial=wanted.change_initial,
        beside_provider=settings.oidc.passwords,
    )


def provider_of(settings: Settings, clock: Clock) -> ProviderClient | None:
    """The identity provider that people may sign in by; None where there is none.

    `BadInput` if the file with our secret cannot be read or holds none.
    """
    wanted = settings.oidc
    if not wanted.issuer or wanted.client_secret_file is None:
        return None
    try:
        secret = wanted.client_secret_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(_SECRET, f"{wanted.client_secret_file} cannot be read: {error}") from error
    if not secret:
        raise BadInput(_SECRET, f"{wanted.client_secret_file} is empty: put the secret in it")
    options = OidcOptions(
        issuer=wanted.issuer,
        client_id=wanted.client_id,
        client_secret=secret,
        address=wanted.address,
        claim=wanted.claim,
        scopes=wanted.scopes,
        name=wanted.name,
        ca_file=wanted.ca_file,
    )
    return ProviderClient(options, clock)


def cannot_sign_in(
    settings: Settings, directory: Directory, credentials: Credentials, kept: Collection[str]
) -> list[str]:
    """Active people for whom no way in was made: no password, `kept` or a first one, and no provider."""
    if settings.oidc.issuer:
        return []
    first = {number for number, login in credentials.staff.items() if login.password}
    return [
        str(number)
        for number, person in directory.staff.items()
        if person.active and number not in first and number not in kept
    ]
