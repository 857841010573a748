"""A sign-in that is under way: what the browser keeps until it comes back from the provider. Pure.

It stays in a cookie of that browser alone, for ten minutes: `state` shows that who comes back is who went,
`nonce` that the token was made for this sign-in, `verifier` that whoever has caught the code cannot use it
(PKCE, RFC 7636).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode

from web.oidc.model import Metadata, OidcOptions

LASTS_S = 600
_PART = r"[A-Za-z0-9_-]{43}"
_COOKIE = re.compile(rf"({_PART})\.({_PART})\.({_PART})\.([A-Za-z0-9%_/-]{{1,100}})")


@dataclass(frozen=True, slots=True)
class Pending:
    """`page`: where to go afterwards, one of our own pages."""

    state: str
    nonce: str
    verifier: str
    page: str

    def cookie(self) -> str:
        """As the browser keeps it."""
        return ".".join((self.state, self.nonce, self.verifier, quote(self.page)))

    def challenge(self) -> str:
        """What the provider is told of the verifier."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def is_of(self, state: str) -> bool:
        """Whether the answer belongs to this sign-in; compared in constant time."""
        return hmac.compare_digest(self.state.encode(), state.encode())


def begun(page: str) -> Pending:
    """A new one."""
    return Pending(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32), page)


def read(cookie: str) -> Pending | None:
    """None if it is none of ours."""
    found = _COOKIE.fullmatch(cookie)
    return Pending(found[1], found[2], found[3], unquote(found[4])) if found else None


def question(metadata: Metadata, options: OidcOptions, pending: Pending) -> str:
    """The address at the provider that the browser is sent to."""
    asked = {
        "response_type": "code",
        "client_id": options.client_id,
        "redirect_uri": options.back,
        "scope": " ".join(options.scopes),
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": pending.challenge(),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return metadata.authorization_endpoint + joint + urlencode(asked)
