"""Errors as problem+json (RFC 9457): what happened, where, and what to do, never how the program is built.

    {"type": "/problems/bad-input", "title": "Bad input", "status": 422,
     "detail": "body.queue: …", "errors": [{"where": "body.queue", "problem": "…"}], "request": "9f2c…"}

`type` is stable: pages choose their own words by it. `request` finds the log lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from aiohttp import web
from pydantic import BaseModel

from core.errors import BadInput, Conflict, HotlineError, NotFound
from storage import StorageError
from web.errors import (
    Elsewhere,
    Forbidden,
    LeaderAway,
    LeaderSilent,
    LockedOut,
    NotJson,
    NotSignedIn,
    PasswordDue,
    ProviderOnly,
    Untrusted,
    WrongSignIn,
)

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One thing that is wrong. `where`: `body.queue`, `query.limit`. `code`: by which a page words it."""

    where: str
    problem: str
    code: str | None = None


class ProblemOut(BaseModel):
    """The one form of every error."""

    type: str
    title: str
    status: int
    detail: str
    request: str
    errors: list[FieldProblem] | None = None
    retry_after_s: int | None = None


class RefusalLike(Protocol):
    """One refused field of a record."""

    @property
    def field(self) -> str: ...
    @property
    def problem(self) -> str: ...


@runtime_checkable
class HasRefusals(Protocol):
    """A `BadInput` that carries several: each becomes an entry of `errors`, under `body.`."""

    @property
    def refusals(self) -> Sequence[RefusalLike]: ...


class Invalid(BadInput):
    """Body or query do not fit the route's schema; everything that is wrong at once."""

    def __init__(self, errors: Sequence[FieldProblem]) -> None:
        others = "".join(f"; {one.where}: {one.problem}" for one in errors[1:])
        super().__init__(errors[0].where, errors[0].problem + others)
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class Problem:
    """One error on its way out."""

    kind: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, request_id: str) -> web.Response:
        """The answer that is sent."""
        retry = self.headers.get("Retry-After")
        body = ProblemOut(
            type=f"/problems/{self.kind}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            request=request_id,
            errors=list(self.errors) or None,
            retry_after_s=int(retry) if retry else None,
        )
        return web.Response(
            body=body.model_dump_json(exclude_none=True).encode(),
            status=self.status,
            content_type=MEDIA_TYPE,
            headers={"Cache-Control": "no-store", **self.headers},
        )


_SIMPLE: tuple[tuple[type[HotlineError], str, str, int], ...] = (
    (NotSignedIn, "not-signed-in", "Not signed in", 401),
    (WrongSignIn, "wrong-sign-in", "Sign-in refused", 401),
    (PasswordDue, "password-due", "Password must be changed", 403),
    (ProviderOnly, "provider-only", "Sign in by the provider", 403),
    (Untrusted, "untrusted", "Not from our pages", 403),
    (Forbidden, "forbidden", "Right missing", 403),
    (NotFound, "not-found", "Not found", 404),
    (Conflict, "conflict", "The world has moved on", 409),
    (Elsewhere, "elsewhere", "In another tab", 409),
    (NotJson, "not-json", "Body is not JSON", 415),
    (LeaderSilent, "leader-silent", "No answer from the leader", 504),
)
_HTTP_KINDS = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
_HTTP_DETAILS = {
    404: "there is nothing at this address: /api/openapi.json lists what there is",
    405: "this address does not take this method: the Allow header names those it takes",
    413: "the body is larger than this service takes (setting web.body_limit_kib): send less at once",
}
_DOWN = "the database does not answer; what you sent was not kept: try again in a few seconds"


def problem_of(error: Exception) -> Problem | None:
    """How an error is told; None for one that nobody foresaw (500)."""
    if isinstance(error, BadInput):
        return Problem("bad-input", "Bad input", 422, str(error), _field_problems(error))
    if isinstance(error, LockedOut):
        headers = {"Retry-After": str(error.retry_after_s)}
        return Problem("locked-out", "Too many failed sign-ins", 429, str(error), headers=headers)
    if isinstance(error, StorageError | LeaderAway):
        return _later(error)
    for kind, name, title, status in _SIMPLE:
        if isinstance(error, kind):
            return Problem(name, title, status, str(error))
    if isinstance(error, web.HTTPException) and error.status >= 400:
        allow = error.headers.get("Allow")
        name = _HTTP_KINDS.get(error.status, "http")
        headers = {"Allow": allow} if allow else {}
        detail = _HTTP_DETAILS.get(error.status, error.reason)
        return Problem(name, error.reason, error.status, detail, headers=headers)
    return None


def _later(error: StorageError | LeaderAway) -> Problem:
    headers = {"Retry-After": "5"}
    if isinstance(error, LeaderAway):
        return Problem("leader-away", "The leader is away", 503, str(error), headers=headers)
    return Problem("database-down", "Database down", 503, _DOWN, headers=headers)


def unforeseen() -> Problem:
    """A mistake of ours: the log has it, under the number of the request."""
    return Problem(
        "internal",
        "Internal error",
        500,
        "this is a fault of the program; tell the operator the request's number",
    )


def _field_problems(error: BadInput) -> tuple[FieldProblem, ...]:
    if isinstance(error, Invalid):
        return error.errors
    if isinstance(error, HasRefusals):
        return tuple(FieldProblem(where=f"body.{one.field}", problem=one.problem) for one in error.refusals)
    return (FieldProblem(where=error.where, problem=error.problem),)
