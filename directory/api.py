"""/api/directory: the lists that pages need, and what one may choose from them oneself."""

from __future__ import annotations

from collections.abc import Callable

from core.names import StaffId
from directory.lookup import Directory
from web.route import ApiRequest, Out, Route


class NamedOut(Out):
    """A code and what to call it."""

    code: str
    name_zh: str
    name_en: str


class QueueOut(Out):
    """A queue and the figures it is run by."""

    name: str
    business: str
    language: str
    name_zh: str
    name_en: str
    service_level_s: int
    wrapup_limit_s: int


class QueuesOut(Out):
    """All queues, with the businesses and languages they are made of."""

    queues: list[QueueOut]
    businesses: list[NamedOut]
    languages: list[NamedOut]


class ReasonOut(NamedOut):
    """A not-ready reason; `digit` is its key after star code *13."""

    max_minutes: int
    digit: int
    on_duty: bool


class ReasonsOut(Out):
    """The reasons the person who asks may use."""

    reasons: list[ReasonOut]


class HoldReasonsOut(Out):
    """Why a customer may be put on hold (CALL-07)."""

    reasons: list[NamedOut]


class CallTypeOut(NamedOut):
    """A call type: the summary fields it demands, and what may follow from it."""

    mandatory: list[str]
    ticket_kinds: list[str]
    callback: bool
    report: bool


class UrgencyOut(NamedOut):
    """A level of urgency and its reply limit."""

    working_days: int


class CallTypesOut(Out):
    """The lists a summary and a work order choose from."""

    call_types: list[CallTypeOut]
    ticket_kinds: list[NamedOut]
    urgencies: list[UrgencyOut]


class MembershipOut(Out):
    """A queue one serves; `penalty` 0 is first line, 10 backup."""

    queue: str
    penalty: int


class ProfileOut(Out):
    """What the directory says about the person who asks."""

    number: str
    name: str
    name_en: str
    team: str
    unit: NamedOut | None
    trainee: bool
    roles: list[NamedOut]
    skills: dict[str, int]
    languages: dict[str, int]
    memberships: list[MembershipOut]


class DeviceOut(Out):
    """A phone an agent may sit down at."""

    name: str
    kind: str


class DevicesOut(Out):
    """The pool."""

    devices: list[DeviceOut]


def directory_routes(directory: Callable[[], Directory]) -> list[Route]:
    """The routes; every one is for anyone signed in and shows nothing that is secret."""
    api = _Handlers(directory)
    return [
        Route(
            method="GET",
            path="/api/directory/queues",
            handler=api.queues,
            right="",
            returns=QueuesOut,
            summary="Queues, businesses and languages",
            tag="directory",
        ),
        Route(
            method="GET",
            path="/api/directory/reasons",
            handler=api.reasons,
            right="",
            returns=ReasonsOut,
            summary="The not-ready reasons one may use",
            tag="directory",
        ),
        Route(
            method="GET",
            path="/api/directory/hold-reasons",
            handler=api.hold_reasons,
            right="",
            returns=HoldReasonsOut,
            summary="Why a customer may be put on hold",
            tag="directory",
        ),
        Route(
            method="GET",
            path="/api/directory/call-types",
            handler=api.call_types,
            right="",
            returns=CallTypesOut,
            summary="Call types, ticket kinds and levels of urgency",
            tag="directory",
        ),
        Route(
            method="GET",
            path="/api/directory/devices",
            handler=api.devices,
            right="",
            returns=DevicesOut,
            summary="The pool of phones",
            tag="directory",
        ),
        Route(
            method="GET",
            path="/api/directory/me",
            handler=api.me,
            right="",
            returns=ProfileOut,
            summary="One's own profile: roles, skills, queues",
            tag="directory",
        ),
    ]


class _Handlers:
    def __init__(self, directory: Callable[[], Directory]) -> None:
        self._directory = directory

    async def queues(self, _request: ApiRequest) -> QueuesOut:
        found = self._directory()
        return QueuesOut(
            queues=[QueueOut.model_validate(queue) for queue in found.queues.values()],
            businesses=[NamedOut.model_validate(business) for business in found.businesses.values()],
            languages=[NamedOut.model_validate(language) for language in found.languages.values()],
        )

    async def reasons(self, request: ApiRequest) -> ReasonsOut:
        mine = self._directory().reasons_for(request.person.staff)
        return ReasonsOut(reasons=[ReasonOut.model_validate(reason) for reason in mine])

    async def hold_reasons(self, _request: ApiRequest) -> HoldReasonsOut:
        found = self._directory().hold_reasons.values()
        return HoldReasonsOut(reasons=[NamedOut.model_validate(one) for one in found])

    async def call_types(self, _request: ApiRequest) -> CallTypesOut:
        found = self._directory()
        return CallTypesOut(
            call_types=[CallTypeOut.model_validate(one) for one in found.call_types.values()],
            ticket_kinds=[NamedOut.model_validate(one) for one in found.ticket_kinds.values()],
            urgencies=[UrgencyOut.model_validate(one) for one in found.urgencies.values()],
        )

    async def devices(self, _request: ApiRequest) -> DevicesOut:
        return DevicesOut(
            devices=[DeviceOut.model_validate(one) for one in self._directory().devices.values()]
        )

    async def me(self, request: ApiRequest) -> ProfileOut:
        found = self._directory()
        person = found.staff[StaffId(request.person.staff)]
        return ProfileOut(
            number=person.number,
            name=person.name,
            name_en=person.name_en,
            team=person.team,
            unit=None if not person.unit else NamedOut.model_validate(found.units[person.unit]),
            trainee=person.trainee,
            roles=[NamedOut.model_validate(found.roles[role]) for role in person.roles],
            skills=dict(person.skills),
            languages=dict(person.languages),
            memberships=[MembershipOut.model_validate(place) for place in found.memberships(person.number)],
        )
