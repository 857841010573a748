"""A call or an agent read back from its facts goes on as if nothing had been."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core import facts as f
from telephony import signals as s
from telephony.agents import Agent
from telephony.call_fold import arrive, reduce
from telephony.calls import Call
from telephony.recall import recall_agent, recall_call
from tests.unit.telephony.story import normal, tell
from tests.unit.telephony.test_agents import call_facts, ready


@given(st.integers(1, len(normal().signals)))
def test_a_restart_at_any_point_of_a_call_changes_none_of_its_facts(cut: int) -> None:
    """The service dies after `cut` signals, reads its facts back, and hears the rest."""
    signals = normal().signals
    _, expected = tell(signals)
    first = signals[0]
    assert isinstance(first, s.Arrived)
    call, facts = arrive(first)
    kept = list(facts)
    for signal in signals[1:cut]:
        call, facts = reduce(call, signal)
        kept += facts
    recalled = recall_call(kept)
    assert recalled is not None
    for signal in [*as_seen_in_asterisk(call), *signals[cut:]]:
        recalled, facts = reduce(recalled, signal)
        kept += facts
    assert [type(fact) for fact in kept] == [type(fact) for fact in expected]
    for got, fact in zip(kept, expected, strict=True):
        if isinstance(got, f.TalkEnded) and isinstance(fact, f.TalkEnded):
            # who pressed the red button is lost if the service dies between that and the end of the talk
            assert (got.talked, got.at) == (fact.talked, fact.at)
        else:
            assert got == fact


def as_seen_in_asterisk(call: Call) -> list[s.Signal]:
    """What a snapshot of the node tells of this call's channels."""
    bridged = [(call.leg, call.bridge), *((leg.id, leg.bridge) for leg in call.legs)]
    return [s.Bridged(call.arrived_at, call.node, leg, bridge) for leg, bridge in bridged if bridge]


def test_an_agents_state_is_read_back_from_its_changes() -> None:
    seat = ready().follow(*call_facts(normal()))
    agent = Agent("1001")
    for fact in seat.facts:
        assert isinstance(fact, f.AgentStateChanged)
        agent = recall_agent(agent, fact)
    assert (agent.state, agent.leg, agent.since) == (seat.agent.state, seat.agent.leg, seat.agent.since)
