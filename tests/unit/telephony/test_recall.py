"""A call or an agent read back from its facts goes on as if nothing had been."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from core import facts as f
from core.facts import AgentState
from telephony import signals as s
from telephony.agents import Agent
from telephony.call_fold import arrive, reduce
from telephony.calls import Call, Known
from telephony.recall import recall_agent, recall_call
from tests.unit.telephony.story import CALL, CUSTOMER, NODE, Story, leg, normal, tell
from tests.unit.telephony.test_agents import call_facts, ready
from tests.unit.telephony.test_call_conference import leaves, rated, together
from tests.unit.telephony.test_call_fold import asked_and_back, asked_and_handed_over
from tests.unit.telephony.test_call_outside import sent_outside


def second_agent() -> Story:
    story = Story().arrives().after(1).speaks().joins().offered().after(4).fails()
    return story.after(1).offered(3, "1002").after(1).answers(3, "1002").after(9).customer_hangs_up()


def timed_out() -> Story:
    story = Story().arrives().after(1).speaks().joins().after(60)
    story.add(s.Returned(story.at, NODE, CALL, CUSTOMER, "personal-cmn", 1, "TIMEOUT"))
    return story.after(3).is_hung_up()


def given_up() -> Story:
    return Story().arrives().after(1).speaks().joins().offered().after(4).fails().after(2).customer_hangs_up()


def held() -> Story:
    story = Story().arrives().after(1).speaks().joins().offered().after(2).answers()
    return story.after(9).holds().after(5).is_back().after(3).holds().after(4).customer_hangs_up()


def sent_on() -> Story:
    story = Story().arrives().after(1).speaks().joins().offered().after(2).answers().after(9).refers("1002")
    return story.sent_to().after(3).colleague_answers().after(8).customer_hangs_up()


def in_conference() -> Story:
    return rated(leaves(leaves(together().after(7), 2).after(20), 3))


@pytest.mark.parametrize(
    "story",
    [
        *(normal, second_agent, timed_out, given_up, held, sent_on),
        *(asked_and_back, asked_and_handed_over, in_conference, sent_outside),
    ],
)
@given(data=st.data())
def test_a_restart_at_any_point_of_a_call_changes_none_of_its_facts(
    story: Callable[[], Story], data: st.DataObject
) -> None:
    """The service dies after `cut` signals, reads its facts back, and hears the rest."""
    signals = story().signals
    cut = data.draw(st.integers(1, len(signals)), label="cut")
    _, expected = tell(signals)
    first = signals[0]
    assert isinstance(first, s.Arrived)
    call, facts = arrive(first)
    kept = list(facts)
    for signal in signals[1:cut]:
        call, facts = reduce(call, signal)
        kept += facts
    # Of three who are on their way to meet no fact tells yet: what Asterisk has written down is heard again.
    assume(call.conference is None or not call.conference.gathering)
    recalled = recall_call(kept)
    assert recalled is not None
    for signal in [*as_seen_in_asterisk(call), *signals[cut:]]:
        recalled, facts = reduce(recalled, signal)
        kept += facts
    assert [type(fact) for fact in kept] == [type(fact) for fact in expected]
    # Who pressed the red button is lost if the service dies between that and the end of the talk.
    button_lost = any(isinstance(signal, s.HangupAsked) for signal in signals[:cut])
    for got, fact in zip(kept, expected, strict=True):
        if button_lost and isinstance(got, f.TalkEnded) and isinstance(fact, f.TalkEnded):
            assert replace(got, released_by=fact.released_by) == fact
        elif button_lost and isinstance(got, f.SurveyStarted) and isinstance(fact, f.SurveyStarted):
            assert replace(got, by=fact.by) == fact
        elif button_lost and isinstance(got, f.CallEnded) and isinstance(fact, f.CallEnded):
            assert replace(got, reason=fact.reason) == fact
        else:
            assert got == fact


def as_seen_in_asterisk(call: Call) -> list[s.Signal]:
    """What a snapshot of the node tells of this call's channels."""
    bridged = [
        (call.leg, call.bridge),
        *((leg.id, leg.bridge) for leg in call.legs),
        *((consult.id, consult.bridge) for consult in call.asking),
        *((consult.by, consult.by_bridge) for consult in call.asking),
    ]
    return [s.Bridged(call.arrived_at, call.node, leg, bridge) for leg, bridge in bridged if bridge]


def test_an_agents_state_is_read_back_from_its_changes() -> None:
    seat = ready().follow(*call_facts(normal()))
    agent = Agent("1001")
    calls = [fact for fact in call_facts(normal()) if isinstance(fact, f.AgentOffered | f.AgentAnswered)]
    for fact in sorted([*calls, *seat.facts], key=lambda fact: fact.at):
        agent = recall_agent(agent, fact)
    assert agent.state is AgentState.WRAP_UP
    assert agent == replace(seat.agent, device=agent.device)


def test_a_summary_saved_during_the_talk_is_remembered_until_the_talk_is_over() -> None:
    def state(before: AgentState, after: AgentState, leg: str) -> f.AgentStateChanged:
        return f.AgentStateChanged(at=1, agent="1001", before=before, state=after, leg=leg, device="d001")

    agent = recall_agent(Agent("1001"), state(AgentState.RINGING, AgentState.TALKING, leg(2)))
    saved = f.SummarySaved(
        at=2, call=CALL, leg=leg(2), agent="1001", queue="card-cmn", number="ZJ1", type="enquiry"
    )
    agent = recall_agent(agent, saved)
    assert agent.summarised
    assert not recall_agent(agent, state(AgentState.TALKING, AgentState.READY, "")).summarised


def test_who_was_found_to_be_a_favoured_customer_is_so_after_a_restart() -> None:
    call, facts = arrive(Story().arrives().signals[0])  # type: ignore[arg-type]
    found = f.CustomerIdentified(
        at=call.arrived_at,
        call=CALL,
        customer="C-1",
        level="vip",
        favoured=True,
        source="own",
        language="nan",
    )
    ordinary = recall_call([*facts, replace(found, favoured=False)])
    assert ordinary is not None
    assert not ordinary.favoured
    recalled = recall_call([*facts, found])
    assert recalled is not None
    assert recalled.favoured
    assert recalled.known == ordinary.known == Known("C-1", "vip", "nan")
    assert recalled.caller == call.caller
