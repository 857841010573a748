"""Conferences of three: an agent brings the colleague whom he asks and his customer together. Pure.

The dialplan says that it is about to move them (`ConferenceCalled`), then all three leave their bridges and
meet in another one. On that way nobody has released anybody: the first agent's talk goes on, and the
colleague has a leg of the call from the meeting on, as when he is handed the customer.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from core import facts as f
from telephony import signals as s
from telephony.call_draft import Draft
from telephony.calls import Call, Conference, Leg


def called(draft: Draft, signal: s.ConferenceCalled) -> None:
    """The step of `ConferenceCalled`."""
    call = draft.call
    leg, asked = call.leg_of(signal.leg), next((one for one in call.asking if one.id == signal.asked), None)
    if leg is None or not leg.talking or asked is None or asked.asking != leg.id:
        return
    if call.conference is not None and (call.conference.asked == asked.id or call.conference.lasting):
        return
    draft.change(conference=Conference(leg.id, asked.id, asked.agent, signal.at))


def is_old(call: Call, signal: s.Bridged) -> bool:
    """Whether this is of a bridge that was left for the conference, heard late or once more."""
    conference = call.conference
    if conference is None or signal.leg not in (call.leg, *conference.legs):
        return False
    return signal.at < conference.called_at


def is_on_the_way(call: Call, leg: Leg) -> bool:
    """Whether this leg, out of its bridge, is expected in the conference's."""
    return call.conference is not None and call.conference.gathering and leg.id in call.conference.legs


def begin(draft: Draft) -> None:
    """Begin it once all three have met."""
    conference, bridge = draft.call.conference, draft.call.bridge
    if conference is None or not conference.gathering or not bridge:
        return
    legs = [leg for leg in draft.call.legs if leg.id in conference.legs and leg.talking]
    if len(legs) == len(conference.legs) and all(leg.bridge == bridge for leg in legs):
        draft.change(conference=replace(conference, began_at=draft.at))
        _tell(draft, f.ConferenceStarted)


def end(draft: Draft, leg: Leg) -> None:
    """This leg's talk is over, and with it the conference it was in."""
    conference = draft.call.conference
    if conference is None or conference.began_at is None or not conference.lasting:
        return
    if leg.id in conference.legs:
        draft.change(conference=replace(conference, ended_at=draft.at))
        _tell(draft, f.ConferenceEnded, lasted=max(0, draft.at - conference.began_at))


def _tell(draft: Draft, kind: Callable[..., f.Fact], **fields: object) -> None:
    conference = draft.call.conference
    asking = None if conference is None else draft.call.leg_of(conference.asking)
    if conference is not None and asking is not None:
        draft.leg_fact(kind, asking, to=conference.to, to_leg=conference.asked, **fields)


def recalled(conference: Conference | None, fact: f.ConferenceFact) -> Conference | None:
    """The last one, read back from its facts."""
    match fact:
        case f.ConferenceStarted():
            return Conference(fact.leg, fact.to_leg, fact.to, fact.at, began_at=fact.at)
        case f.ConferenceEnded() if conference is not None:
            return replace(conference, ended_at=fact.at)
    return conference
