"""/api/session/password: changing one's own; /api/staff/{staff}/password: a new initial one for another."""

from __future__ import annotations

from pydantic import Field, SecretStr

from core.errors import Conflict
from web.errors import WrongSignIn
from web.problems import FieldProblem, Invalid
from web.route import ApiRequest, In, Out, Route
from web.sessions import Sessions

RESET = "passwords.reset"


class ChangeIn(In):
    """The present password, and the one to be."""

    old: SecretStr = Field(min_length=1, max_length=200)
    new: SecretStr = Field(min_length=1, max_length=200)


class IssuedOut(Out):
    """What was made just now; it is shown at no other time."""

    staff: str
    password: str


class PasswordApi:
    """The handlers."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def routes(self) -> list[Route]:
        """The routes of this module."""
        return [
            Route(
                method="POST",
                path="/api/session/password",
                handler=self._change,
                right="",
                body=ChangeIn,
                summary="Change one's own password; one's other sessions end",
                tag="session",
                before_change=True,
            ),
            Route(
                method="POST",
                path="/api/staff/{staff}/password",
                handler=self._reset,
                right=RESET,
                scoped=True,
                returns=IssuedOut,
                summary="Make a new initial password for somebody; their sessions end",
                tag="session",
            ),
        ]

    async def _change(self, request: ApiRequest) -> None:
        body: ChangeIn = request.body
        old, new = body.old.get_secret_value(), body.new.get_secret_value()
        try:
            await self._sessions.change_password(request.session_id, request.person, old, new)
        except WrongSignIn as wrong:
            # Not 401: whoever asks is signed in, and stays so.
            raise Invalid([FieldProblem(where="body.old", problem=str(wrong), code="wrong")]) from wrong

    async def _reset(self, request: ApiRequest) -> IssuedOut:
        staff = request.path["staff"]
        if staff == request.person.staff:
            raise Conflict("your own password is changed with the old one: POST /api/session/password")
        request.person.require_of(RESET, staff)
        password = await self._sessions.reset_password(staff, by=request.person.staff)
        return IssuedOut(staff=staff, password=password)
