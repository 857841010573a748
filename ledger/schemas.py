"""Calls as they go over the wire: times in the bank's zone, durations in ms, numbers masked."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from core.clock import MILLISECOND, Duration, Instant, instant, moment
from core.masking import mask_number
from ledger.call_record import (
    CallOutcome,
    CallRecord,
    ConferenceRecord,
    ConsultRecord,
    JoinRecord,
    LegRecord,
    MenuRecord,
    OutsideRecord,
    WaitRecord,
)
from ledger.calls import MOST_CALLS, CallSearch
from ledger.story import Story
from ledger.story_words import Language, sentence
from web.route import In, Out


class CallsQuery(In):
    """What is given must hold of a call."""

    since: AwareDatetime | None = Field(default=None, description="arrived then or later")
    until: AwareDatetime | None = Field(default=None, description="arrived before then")
    queue: str | None = Field(default=None, max_length=32)
    agent: str | None = Field(default=None, pattern=r"^\d{4,8}$", description="was offered the call")
    caller: str | None = Field(default=None, max_length=32, description="the whole number")
    outcome: CallOutcome | None = None
    waited_over_s: int | None = Field(default=None, ge=0, le=86_400)
    vip: bool | None = None
    limit: int = Field(default=50, ge=1, le=MOST_CALLS)
    page: str = Field(default="", max_length=80, description="`more` of the page before")

    def search(self) -> CallSearch:
        """The same in the ledger's terms."""
        return CallSearch(
            since=None if self.since is None else instant(self.since),
            until=None if self.until is None else instant(self.until),
            queue=self.queue,
            agent=self.agent,
            caller=self.caller,
            outcome=self.outcome,
            waited_over=None if self.waited_over_s is None else self.waited_over_s * 1_000 * MILLISECOND,
            vip=self.vip,
        )


class MenuOut(Out):
    """A step in a menu; `failed` is no_input or wrong_input."""

    at: datetime
    menu: str
    target: str
    failed: str


class WaitOut(Out):
    """A wait in a queue, measured from the first joining."""

    queue: str
    joined_at: datetime
    left_at: datetime | None
    waited_ms: int | None
    reason: str | None
    rounds: int


class HoldOut(Out):
    """The customer on hold; `held_ms` is empty while it lasts, `reason` if the agent gave none (CALL-07)."""

    at: datetime
    held_ms: int | None
    reason: str


class ModeOut(Out):
    """`mode`: listen, whisper (to the agent alone) or barge (heard by both)."""

    at: datetime
    mode: str


class JoinOut(Out):
    """A leader in the leg; `left_at` is empty while he is in it."""

    leader: str
    at: datetime
    left_at: datetime | None
    modes: list[ModeOut]


class OrderOut(Out):
    """`order`: take_over or end; `by`: staff number."""

    at: datetime
    by: str
    order: str
    reason: str


class ConsultOut(Out):
    """A colleague who was asked meanwhile; `answered_at` is empty if he did not answer."""

    at: datetime
    to: str
    answered_at: datetime | None
    consulted_ms: int | None
    outcome: str | None


class ConferenceOut(Out):
    """A colleague who was brought together with the customer, and for how long."""

    at: datetime
    to: str
    lasted_ms: int | None


class OutsideOut(Out):
    """A number outside to which the agent sent the customer; `answered_at` is empty if nobody was there."""

    at: datetime
    number: str
    answered_at: datetime | None
    talked_ms: int | None
    outcome: str | None


class LegOut(Out):
    """An offer to an agent and the talk that came of it."""

    leg: str
    agent: str
    queue: str
    offered_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    waited_ms: int | None
    rang_ms: int | None
    talked_ms: int | None = Field(description="from the answer to the end, holds and consults included")
    holds: list[HoldOut]
    consults: list[ConsultOut]
    conferences: list[ConferenceOut]
    from_leg: str = Field(description="the leg whose agent transferred the customer here")
    transferred_to: str = Field(description="a queue, a staff number, a device, or what was dialled, masked")
    outside: OutsideOut | None = Field(description="that was a number outside, which the bank allows")
    outcome: str | None = Field(description="how the offer ended, if not by an answer")
    released_by: str | None = Field(description="who hung up first (CALL-10)")
    telephone_lost: bool = Field(description="no sound came from the agent's telephone any more")
    joined_by: list[JoinOut] = Field(description="leaders who were in it, in the order of their coming")
    orders: list[OrderOut] = Field(description="what leaders had done with the call while this leg had it")
    harassment: bool = Field(description="the agent ended the call for malicious harassment (CALL-09)")
    recording: str = Field(description="present, missing or damaged once filed")
    survey: str | None
    satisfaction: int | None
    solved: int | None
    summary: str = Field(description="电话总结编号")


class CallOut(Out):
    """A call. `caller` is masked; `arrival_seen` false: events before `began_at` are missing."""

    call: str
    node: str
    caller: str
    called: str
    vip: bool
    language: str
    began_at: datetime
    ended_at: datetime | None
    arrival_seen: bool
    outcome: CallOutcome
    ended_by: str | None
    phase: str | None
    queue: str
    waited_ms: int | None
    talked_ms: int
    menus: list[MenuOut]
    waits: list[WaitOut]
    legs: list[LegOut]
    tickets: list[str]
    outgoing: str | None = Field(description="of a call that we made, what came of it")
    about: str = Field(
        description="of a call that we made, on account of what: `callback:…`, `ticket:…`, `summary:…`"
    )


class StoryQuery(In):
    """The words of a story or its drawing."""

    language: Literal["zh", "en"] = "zh"


class LineOut(Out):
    """A line of a call's story: `source` did it to `target` (customer, hotline, queue:…, agent:…)."""

    at: datetime
    since_ms: int = Field(description="from the beginning of the call")
    kind: str = Field(description="name of the fact")
    source: str
    target: str
    leg: str
    took_ms: int | None = Field(description="how long what ends here has lasted")
    words: str


class StoryOut(Out):
    """A call in order. `arrival_seen` false: what came before the first line is missing."""

    call: str
    began_at: datetime
    arrival_seen: bool
    lanes: list[str]
    lines: list[LineOut]


class CallsOut(Out):
    """Newest first; `more` is empty at the end."""

    calls: list[CallOut]
    more: str


def _at(value: Instant | None) -> datetime | None:
    return None if value is None else moment(value)


def _ms(value: Duration | None) -> int | None:
    return None if value is None else value // MILLISECOND


def call_out(record: CallRecord) -> CallOut:
    """One call."""
    return CallOut(
        call=record.call,
        node=record.node,
        caller=mask_number(record.caller),
        called=mask_number(record.called),
        vip=record.vip,
        language=record.language,
        began_at=moment(record.began_at),
        ended_at=_at(record.ended_at),
        arrival_seen=record.arrival_seen,
        outcome=record.outcome,
        ended_by=record.reason,
        phase=record.phase,
        queue=record.queue,
        waited_ms=_ms(record.waited),
        talked_ms=record.talked // MILLISECOND,
        menus=[_menu_out(step) for step in record.menus],
        waits=[_wait_out(wait) for wait in record.waits],
        legs=[_leg_out(leg) for leg in record.legs],
        tickets=list(record.tickets),
        outgoing=record.outgoing,
        about=record.about,
    )


def story_out(story: Story, language: Language, *, arrival_seen: bool) -> StoryOut:
    """One call's story."""
    return StoryOut(
        call=story.call,
        began_at=moment(story.began_at),
        arrival_seen=arrival_seen,
        lanes=list(story.lanes),
        lines=[
            LineOut(
                at=moment(line.at),
                since_ms=line.since // MILLISECOND,
                kind=line.kind,
                source=line.source,
                target=line.target,
                leg=line.leg,
                took_ms=_ms(line.took),
                words=sentence(line, language),
            )
            for line in story.lines
        ],
    )


def _menu_out(step: MenuRecord) -> MenuOut:
    return MenuOut(at=moment(step.at), menu=step.menu, target=step.target, failed=step.failed)


def _wait_out(wait: WaitRecord) -> WaitOut:
    return WaitOut(
        queue=wait.queue,
        joined_at=moment(wait.joined_at),
        left_at=_at(wait.left_at),
        waited_ms=_ms(wait.waited),
        reason=wait.reason,
        rounds=wait.rounds,
    )


def _consult_out(one: ConsultRecord) -> ConsultOut:
    return ConsultOut(
        at=moment(one.at),
        to=one.to,
        answered_at=_at(one.answered_at),
        consulted_ms=_ms(one.consulted),
        outcome=one.outcome,
    )


def _conference_out(one: ConferenceRecord) -> ConferenceOut:
    return ConferenceOut(at=moment(one.at), to=one.to, lasted_ms=_ms(one.lasted))


def _outside_out(one: OutsideRecord) -> OutsideOut:
    return OutsideOut(
        at=moment(one.at),
        number=one.number,
        answered_at=_at(one.answered_at),
        talked_ms=_ms(one.talked),
        outcome=one.outcome,
    )


def _leg_out(leg: LegRecord) -> LegOut:
    return LegOut(
        leg=leg.leg,
        agent=leg.agent,
        queue=leg.queue,
        offered_at=_at(leg.offered_at),
        answered_at=_at(leg.answered_at),
        ended_at=_at(leg.ended_at),
        waited_ms=_ms(leg.waited),
        rang_ms=_ms(leg.rang),
        talked_ms=_ms(leg.talked),
        from_leg=leg.from_leg,
        transferred_to=leg.transferred_to,
        outside=None if leg.outside is None else _outside_out(leg.outside),
        holds=[HoldOut(at=moment(hold.at), held_ms=_ms(hold.held), reason=hold.reason) for hold in leg.holds],
        consults=[_consult_out(one) for one in leg.consults],
        conferences=[_conference_out(one) for one in leg.conferences],
        outcome=leg.outcome,
        released_by=leg.released_by,
        telephone_lost=leg.telephone_lost,
        joined_by=[join_out(join) for join in leg.joined_by],
        orders=[
            OrderOut(at=moment(one.at), by=one.by, order=one.order, reason=one.reason) for one in leg.orders
        ],
        harassment=leg.harassment,
        recording=leg.file_status,
        survey=leg.survey,
        satisfaction=leg.satisfaction,
        solved=leg.solved,
        summary=leg.summary,
    )


def join_out(join: JoinRecord) -> JoinOut:
    """One leader's presence in a leg."""
    return JoinOut(
        leader=join.leader,
        at=moment(join.at),
        left_at=_at(join.left_at),
        modes=[ModeOut(at=moment(at), mode=mode) for at, mode in join.modes],
    )
