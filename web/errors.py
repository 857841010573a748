"""What the HTTP edge refuses. Every error becomes one problem+json answer (RFC 9457) in `web.problems`."""

from __future__ import annotations

from core.clock import SECOND, Duration
from core.errors import HotlineError


class WebError(HotlineError):
    """Root of the errors of this package."""


class RouteMistake(WebError):
    """The routes contradict themselves; the program does not start. Fix the route that is named."""


class NotSignedIn(WebError):
    """No session, or one that has ended (401)."""


class WrongSignIn(WebError):
    """Staff number and password do not belong together (401). Which of the two is wrong is not said."""


class PasswordDue(WebError):
    """Signed in, but the password has to be changed before anything else (403)."""


class ProviderOnly(WebError):
    """The password is right, but this person signs in by the provider alone (403)."""


class LockedOut(WebError):
    """Too many failed sign-ins for this staff number (429)."""

    def __init__(self, remaining: Duration) -> None:
        seconds = max(1, -(-remaining // SECOND))
        super().__init__(
            f"too many failed sign-ins: try again in {_spoken(seconds)}, or ask an administrator"
        )
        self.retry_after_s = seconds


class Impaired(WebError):
    """A readiness check: something does not work, and the program does its work without it."""


class Forbidden(WebError):
    """Signed in, but without the right (403)."""


class LogoutRefused(WebError):
    """A logout token is not good, or comes a second time (400). Nothing was ended."""


class Untrusted(WebError):
    """The request does not come from our own pages: wrong Origin or CSRF token (403)."""


class Elsewhere(WebError):
    """What is asked for is in use in another tab or window of the same person (409)."""


class NotJson(WebError):
    """The body is not declared as application/json (415)."""


class LeaderAway(WebError):
    """What only the leader can answer cannot be had just now; nothing was done (503)."""


class LeaderSilent(WebError):
    """A change went to the leader and no answer came: whether it was carried out is not known (504)."""


def _spoken(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
