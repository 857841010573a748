"""The switchboard: signals of all calls in, facts and commands out; and what a snapshot makes of it."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from core import facts as f
from core.clock import MINUTE, SECOND
from core.errors import Conflict
from core.facts import AgentState as S
from telephony import agents as a
from telephony import commands as c
from telephony import signals as s
from telephony.ami.snapshot import ChannelPicture, NodeSnapshot, QueueMember, QueuePicture, WaitingCaller
from telephony.recall import recall_call
from telephony.reconcile import compare_calls, compare_devices
from telephony.reconcile_agents import compare_agents
from telephony.switchboard import Switchboard
from tests.unit.telephony.story import CALL, CUSTOMER, NODE, START, Story, leg, normal
from tests.unit.telephony.test_agents import DUTIES, NOW, members


def board_after(story: Story) -> tuple[Switchboard, list[f.Fact], list[c.Command]]:
    board = Switchboard(DUTIES)
    facts: list[f.Fact] = []
    commands: list[c.Command] = []
    for wish in (a.LogIn(NOW, "d001"), a.BeReady(NOW)):
        board.wish("1001", wish)
    for signal in story.signals:
        outcome = board.hear(signal)
        facts += outcome.facts
        commands += outcome.commands
    return board, facts, commands


def test_a_call_moves_its_agent_and_is_put_away_when_all_of_it_is_over() -> None:
    board, facts, commands = board_after(normal())
    states = [fact.state.value for fact in facts if isinstance(fact, f.AgentStateChanged)]
    assert states == ["ringing", "talking", "wrap_up"]
    assert commands == [c.SetPause(NODE, "d001", True, c.WRAP_UP)]
    assert board.calls == {}
    again = board.hear(normal().signals[5])
    assert (again.facts, again.commands) == ([], [])


def test_signals_of_unknown_calls_are_nobodys() -> None:
    board = Switchboard(DUTIES)
    assert board.hear(s.Gone(NOW, NODE, "node1-1.99", 16)).facts == []
    assert board.hear(s.SurveyOver(NOW, NODE, CALL, CUSTOMER, "completed")).facts == []


@pytest.mark.rule("CALL-22")
def test_help_is_asked_for_once_in_any_state_and_ended_by_who_came() -> None:
    board = Switchboard(DUTIES)
    assert [type(x) for x in board.raise_help("1001", NOW).facts] == [f.HelpRaised]
    assert board.raise_help("1001", NOW).facts == []
    (ended,) = board.end_help("1001", "9001", NOW).facts
    assert isinstance(ended, f.HelpEnded)
    assert ended.by == "9001"
    with pytest.raises(Conflict, match="has not asked"):
        board.end_help("1001", "9001", NOW)


def test_a_device_has_one_agent() -> None:
    board = Switchboard(DUTIES)
    board.wish("1001", a.LogIn(NOW, "d001"))
    with pytest.raises(Conflict, match="taken by agent 1001"):
        board.wish("1002", a.LogIn(NOW, "d001"))


def test_star_codes_move_the_agent_at_the_device_and_evict_who_sat_there() -> None:
    board = Switchboard(DUTIES)
    board.hear(s.DeviceCode(NOW, NODE, "d001", "login", "1001", "", "ok"))
    board.hear(s.DeviceCode(NOW, NODE, "d001", "ready", "", "", "ok"))
    assert board.agent("1001").state is S.READY
    board.hear(s.DeviceCode(NOW, NODE, "d001", "not_ready", "", "meal", "ok"))
    assert board.agent("1001").reason == "meal"
    board.hear(s.DeviceCode(NOW, NODE, "d001", "login", "1002", "", "denied"))
    assert board.agent("1002").state is S.LOGGED_OUT
    board.hear(s.DeviceCode(NOW, NODE, "d001", "login", "1002", "", "ok"))
    assert (board.agent("1001").state, board.agent("1002").state) == (S.LOGGED_OUT, S.NOT_READY)


def test_a_star_code_is_of_who_sits_there_now_whatever_the_dialplan_remembers() -> None:
    board = Switchboard(DUTIES)
    board.hear(s.DeviceCode(NOW, NODE, "d001", "login", "1001", "", "ok"))
    board.wish("1001", a.LogOut(NOW))
    board.wish("1002", a.LogIn(NOW, "d001"))
    board.hear(s.DeviceCode(NOW, NODE, "d001", "logout", "1001", "", "ok"))
    assert board.agent("1002").state is S.LOGGED_OUT


def test_a_log_in_by_telephone_elsewhere_clears_the_seat_taken_at_the_service() -> None:
    board = Switchboard(DUTIES)
    board.wish("1001", a.LogIn(NOW, "d002"))
    told = board.hear(s.DeviceCode(NOW, NODE, "d001", "login", "1001", "", "ok"))
    assert told.commands == [
        c.RemoveMember(NODE, "personal-cmn", "d002"),
        c.RemoveMember(NODE, "card-cmn", "d002"),
    ]
    assert board.agent("1001").device == "d001"


def test_a_lost_phone_is_told_once() -> None:
    board, _, _ = board_after(Story().arrives())
    board.hear(s.ContactChanged(NOW, NODE, "d001", True))
    first = board.hear(s.ContactChanged(NOW, NODE, "d001", False))
    assert [type(x).__name__ for x in first.facts] == ["DeviceContactChanged", "AgentStateChanged"]
    assert board.hear(s.ContactChanged(NOW, NODE, "d001", False)).facts == []


def test_a_phone_that_registers_anew_elsewhere_is_not_lost() -> None:
    """As it happens: the new address is reachable first, then the old one is removed."""
    board, _, _ = board_after(Story().arrives())
    for contact, reachable in (("sip:a", True), ("sip:b", True), ("sip:a", False)):
        board.hear(s.ContactChanged(NOW, NODE, "d001", reachable, contact))
    assert board.reachable["d001"]
    assert board.agent("1001").state is S.READY
    lost = board.hear(s.ContactChanged(NOW, NODE, "d001", False, "sip:b"))
    assert [type(x).__name__ for x in lost.facts] == ["DeviceContactChanged", "AgentStateChanged"]


def test_legs_that_never_said_goodbye_are_swept_away() -> None:
    story = Story().arrives().joins().offered().answers().after(9).customer_hangs_up()
    board, _, _ = board_after(story)
    assert CALL in board.calls
    assert board.sweep(story.at + MINUTE).facts == []
    (ended,) = board.sweep(story.at + MINUTE + SECOND).facts
    assert isinstance(ended, f.RecordingEnded)
    assert board.calls == {}


def test_a_dead_node_takes_its_calls_with_it() -> None:
    story = Story().arrives().joins().offered().answers()
    board, _, _ = board_after(story)
    facts = board.lose_node(NODE, story.at + 90 * SECOND, story.at + SECOND).facts
    assert [type(x).__name__ for x in facts] == [
        "TalkEnded",
        "AgentStateChanged",
        "CallEnded",
        "RecordingEnded",
    ]
    # not a second longer than the node was heard of: the time it lay dead is nobody's talk
    assert {fact.at for fact in facts} == {story.at + SECOND}
    assert board.lose_node("node2", story.at + SECOND, story.at).facts == []


# ------------------------------------------------------------------ snapshots


def channel(
    leg_id: str,
    *,
    name: str,
    linked: str = CUSTOMER,
    bridge: str = "",
    context: str = "hotline-wait",
    age: int = 9 * SECOND,
    **variables: str,
) -> ChannelPicture:
    always = {"CALL_ID": CALL, "CALL_LANG": "cmn", "JOINED_US": str(START), "CALL_QUEUE": "personal-cmn"}
    return ChannelPicture(
        channel=name,
        leg=leg_id,
        linked=linked,
        state="Up",
        context=context,
        exten="s",
        bridge=bridge,
        age=age,
        variables=MappingProxyType(always | variables),
        caller="02154321000",
    )


def member(agent: str, device: str, *, paused: str = "", queue: str = "personal-cmn") -> QueueMember:
    return QueueMember(
        agent=agent,
        interface=f"PJSIP/{device}",
        penalty=0,
        paused=bool(paused),
        reason=paused,
        status=1,
        in_call=False,
    )


def snapshot(
    *channels: ChannelPicture,
    members: tuple[QueueMember, ...] = (),
    callers: tuple[WaitingCaller, ...] = (),
    at: int = START + 60 * SECOND,
) -> NodeSnapshot:
    queues = {
        name: QueuePicture(name=name, callers=callers if name == "personal-cmn" else (), members=members)
        for name in ("personal-cmn", "card-cmn")
    }
    return NodeSnapshot(
        began=at,
        ended=at + SECOND,
        version="22.10.1",
        system_name=NODE,
        started="2026-11-22 08:00:00",
        queues=MappingProxyType(queues),
        unknown_queues=(),
        channels=channels,
        devices=MappingProxyType({"d001": "NOT_INUSE"}),
    )


def test_a_call_that_ended_unseen_is_named_and_one_that_came_meanwhile_is_not() -> None:
    board, _, _ = board_after(Story().arrives().joins())
    calls = list(board.calls.values())
    assert compare_calls(NODE, calls, snapshot()).vanished == (CALL,)
    assert compare_calls(NODE, calls, snapshot(at=START)).vanished == ()
    assert compare_calls("node2", calls, snapshot()).vanished == ()


def test_an_unknown_call_is_taken_in_with_its_wait_or_its_agent() -> None:
    trunk = "PJSIP/trunk-00000001"
    waiting = WaitingCaller(channel=trunk, leg=CUSTOMER, position=1, priority=0, waited=9 * SECOND)
    board = Switchboard(DUTIES)
    found = compare_calls(NODE, [], snapshot(channel(CUSTOMER, name=trunk), callers=(waiting,)))
    facts = [fact for signal in found.signals for fact in board.hear(signal).facts]
    assert [type(x).__name__ for x in facts] == ["CallArrived", "LanguageChosen", "CallerQueued"]
    queued = facts[-1]
    assert isinstance(queued, f.CallerQueued)
    assert queued.joined_at == START


def test_who_joins_takes_along_what_the_queue_promises_just_then() -> None:
    promised = {"personal-cmn": 25 * SECOND}
    board = Switchboard(replace(DUTIES, answer_within=lambda queue: promised[queue]))
    story = Story().arrives().joins()
    facts = [fact for signal in story.signals for fact in board.hear(signal).facts]
    assert [x.answer_within for x in facts if isinstance(x, f.CallerQueued)] == [25 * SECOND]
    promised["personal-cmn"] = 5 * SECOND
    again = [fact for signal in story.signals for fact in board.hear(signal).facts]
    assert again == [], "what is told is told"


def told(board: Switchboard, picture: NodeSnapshot) -> list[f.Fact]:
    found = compare_calls(NODE, list(board.calls.values()), picture)
    return [fact for signal in found.signals for fact in board.hear(signal).facts]


TRUNK = "PJSIP/trunk-00000001"
# 60 s after START; the agent's telephone began to ring 7 s after the customer joined.
TALKING = snapshot(
    channel(CUSTOMER, name=TRUNK, bridge="b1", age=58 * SECOND),
    channel(leg(2), name="PJSIP/d001-00000002", bridge="b1", age=53 * SECOND, LEG_FILE="file"),
    members=(member("1001", "d001"),),
)


def test_an_unknown_call_in_talk_has_its_queue_its_wait_and_its_recording() -> None:
    board = Switchboard(DUTIES)
    facts = told(board, TALKING)
    assert [type(x).__name__ for x in facts if not isinstance(x, f.AgentFact)] == [
        "CallArrived",
        "LanguageChosen",
        "CallerQueued",
        "AgentOffered",
        "RecordingStarted",
        "AgentAnswered",
        "CallerLeftQueue",
    ]
    assert isinstance(facts[0], f.CallArrived)
    assert facts[0].caller == "02154321000"
    (answered,) = [fact for fact in facts if isinstance(fact, f.AgentAnswered)]
    assert (answered.queue, answered.waited) == ("personal-cmn", 7 * SECOND)
    assert board.agent("1001").state is S.TALKING
    assert told(board, TALKING) == []


def test_an_agents_own_channel_is_no_customer_of_an_unknown_call() -> None:
    """Whose customer has just gone: the agent's is the one channel left that knows the call."""
    alone = channel(leg(2), name="PJSIP/d001-00000002", linked=leg(2), LEG_FILE="file")
    assert compare_calls(NODE, [], snapshot(alone, members=(member("1001", "d001"),))).signals == ()


def test_the_name_of_a_colleagues_channel_is_learnt_from_the_node_after_a_restart() -> None:
    story = Story().arrives().joins().offered().answers().after(9).asks().after(3).is_told()
    board, facts, _ = board_after(story)
    recalled = recall_call(fact for fact in facts if isinstance(fact, f.CallFact))
    assert recalled is not None
    assert [consult.channel for consult in recalled.asking] == [""]
    board = Switchboard(DUTIES)
    board.remember_call(recalled)
    told(board, replace(_ASKING, began=story.at + SECOND))
    assert [consult.channel for consult in board.calls[CALL].asking] == ["PJSIP/d002-00000003"]


_ASKING = snapshot(
    channel(CUSTOMER, name=TRUNK, bridge="b1"),
    channel(leg(2), name="PJSIP/d001-00000002", bridge="b1", LEG_FILE="file"),
    channel(leg(9), name="PJSIP/d001-00000009", linked=leg(9), bridge="b9"),
    channel(leg(3), name="PJSIP/d002-00000003", linked=leg(9), bridge="b9", LEG_FILE="file"),
)


def test_a_caller_we_left_waiting_may_be_in_talk_when_we_come_back() -> None:
    board, _, _ = board_after(Story().arrives().joins())
    facts = told(board, TALKING)
    assert [type(x).__name__ for x in facts if isinstance(x, f.CallFact)] == [
        "AgentOffered",
        "RecordingStarted",
        "AgentAnswered",
        "CallerLeftQueue",
    ]
    assert board.calls[CALL].waiting is False
    assert told(board, TALKING) == []


def test_a_caller_we_left_waiting_may_be_past_it_when_we_come_back() -> None:
    """In the survey: who has talked with the customer meanwhile is not to be had, and not guessed."""
    board, _, _ = board_after(Story().arrives().joins())
    picture = snapshot(channel(CUSTOMER, name=TRUNK, context="hotline-survey", SURVEY_SENT="agent"))
    (left,) = told(board, picture)
    assert isinstance(left, f.CallerLeftQueue)
    assert left.reason is f.LeaveReason.UNSEEN
    # Nor is it whoever had the customer before.
    board, _, _ = board_after(
        Story().arrives().joins().offered().answers().after(9).phone_falls_silent().after(1).enters().joins()
    )
    assert [type(fact) for fact in told(board, picture)] == [f.CallerLeftQueue]
    # Between two rounds no queue has the caller either, and yet the wait goes on.
    board, _, _ = board_after(Story().arrives().joins())
    assert told(board, snapshot(channel(CUSTOMER, name=TRUNK, context="hotline-left"))) == []


@pytest.mark.rule("SURVEY-01")
@pytest.mark.parametrize(("sent", "by"), [("agent", f.Side.AGENT), ("transfer", f.Side.SYSTEM)])
def test_a_survey_that_began_unseen_still_rates_its_agent(sent: str, by: f.Side) -> None:
    board, _, _ = board_after(Story().arrives().joins().offered().answers())
    facts = told(board, snapshot(channel(CUSTOMER, name=TRUNK, context="hotline-survey", SURVEY_SENT=sent)))
    (started,) = [fact for fact in facts if isinstance(fact, f.SurveyStarted)]
    assert (started.leg, started.agent, started.by) == (leg(2), "1001", by)
    assert [fact.released_by for fact in facts if isinstance(fact, f.TalkEnded)] == [by]
    keyed = s.SurveyKeyed(START + 70 * SECOND, NODE, CALL, CUSTOMER, "satisfaction", 5)
    assert [type(x) for x in board.hear(keyed).facts] == [f.SurveyAnswered]


def test_known_legs_that_are_gone_are_told() -> None:
    board, _, _ = board_after(Story().arrives().joins().offered().answers())
    picture = snapshot(channel(CUSTOMER, name="PJSIP/trunk-00000001"))
    facts = [
        fact
        for signal in compare_calls(NODE, list(board.calls.values()), picture).signals
        for fact in board.hear(signal).facts
    ]
    assert [type(x).__name__ for x in facts][:1] == ["TalkEnded"]
    assert board.calls[CALL].channel == "PJSIP/trunk-00000001"


def test_a_talk_that_began_and_ended_unseen_is_followed_by_a_pause_all_the_same() -> None:
    at = START + 60 * SECOND  # when the snapshot began: the talk's end was found in it
    wrap = a.Agent("1001", S.WRAP_UP, device="d001", since=at, queue="personal-cmn")
    assert differences(wrap, member("1001", "d001")) == ([], [c.SetPause(NODE, "d001", True, c.WRAP_UP)])
    assert differences(wrap, member("1001", "d001", paused=c.WRAP_UP)) == ([], [])
    fresh = a.Agent("1001", S.READY, device="d001", since=at)
    assert differences(fresh, member("1001", "d001", paused="meal")) == ([], [])


def differences(agent: a.Agent, *seats: QueueMember) -> tuple[list[S], list[c.Command]]:
    found = compare_agents(NODE, {agent.number: agent}, snapshot(members=seats), members, lambda agent: True)
    return [wish.state for _, wish in found.adopt], list(found.commands)


def test_asterisk_is_believed_about_star_codes_and_we_about_wrap_up() -> None:
    ready = a.Agent("1001", S.READY, device="d001", since=START)
    wrap = a.Agent("1001", S.WRAP_UP, device="d001", since=START, queue="personal-cmn")
    meal = a.Agent("1001", S.NOT_READY, "meal", device="d001", since=START)
    assert differences(ready, member("1001", "d001")) == ([], [])
    assert differences(ready, member("1001", "d001", paused="meal")) == ([S.NOT_READY], [])
    assert differences(meal, member("1001", "d001")) == ([S.READY], [])
    assert differences(wrap, member("1001", "d001")) == ([], [c.SetPause(NODE, "d001", True, c.WRAP_UP)])
    assert differences(ready, member("1001", "d001", paused=c.WRAP_UP)) == (
        [],
        [c.SetPause(NODE, "d001", False, "")],
    )
    assert differences(a.Agent("1001"), member("1001", "d001")) == ([S.READY], [])
    assert differences(ready, member("1002", "d002"))[0] == [S.LOGGED_OUT, S.READY]


def test_a_node_without_any_member_gets_them_all_back() -> None:
    ready = a.Agent("1001", S.READY, device="d001", since=START)
    assert differences(ready) == (
        [],
        [
            c.AddMember(NODE, "personal-cmn", "d001", "1001", 0, ""),
            c.AddMember(NODE, "card-cmn", "d001", "1001", 10, ""),
        ],
    )


def test_a_node_that_has_just_booted_says_nothing_of_phones_it_has_not_asked() -> None:
    picture = snapshot()
    unreached = replace(picture, devices=MappingProxyType({"d001": "UNAVAILABLE", "d002": "NOT_INUSE"}))
    known = {"d001": True, "d002": False}
    told = [(x.device, x.reachable) for x in compare_devices(NODE, known, unreached, just_booted=True)]
    assert told == [("d002", True)]
    told = [(x.device, x.reachable) for x in compare_devices(NODE, known, unreached)]
    assert told == [("d001", False), ("d002", True)]


def test_of_a_call_it_is_known_when_the_node_last_spoke() -> None:
    story = Story().arrives().after(2).joins()
    board, _, _ = board_after(story)
    assert board.heard_at(CALL) == story.at
    assert board.heard_at("unknown") == 0
    vanished = compare_calls(NODE, [], snapshot(), known={CUSTOMER})
    assert (vanished.vanished, vanished.signals) == ((), ())


def reserved(board: Switchboard) -> Switchboard:
    board.wish("1001", a.Reserve(START + 3 * SECOND, CALL))
    return board


def test_an_offer_that_came_to_nothing_gives_the_agent_back() -> None:
    board, *_ = board_after(Story().arrives().joins())
    outcome = reserved(board).hear(s.OfferOver(NOW, NODE, CALL, CUSTOMER, "1001"))
    assert board.agent("1001").state is S.READY
    assert outcome.commands == [c.SetPause(NODE, "d001", False, "")]
    assert board.hear(s.OfferOver(NOW, NODE, CALL, CUSTOMER, "1001")).facts == []


def test_a_reservation_ends_with_its_call_or_when_no_phone_has_rung() -> None:
    board, *_ = board_after(Story().arrives().joins())
    reserved(board)
    assert board.sweep(START + 8 * SECOND).facts == []
    assert [type(x) for x in board.sweep(START + 8 * SECOND + 1).facts] == [f.AgentStateChanged]
    reserved(board)
    for signal in Story().after(4).customer_hangs_up().signals:
        board.hear(signal)
    assert [type(x) for x in board.sweep(START + 5 * SECOND).facts] == [f.AgentStateChanged]
    assert board.agent("1001").state is S.READY


def test_a_phone_that_dies_while_an_offer_rings_is_not_waited_for() -> None:
    """app_queue would ring on until its time is over; our own offer is taken back at once."""
    board, *_ = board_after(Story().arrives().joins())
    board.hear(s.ContactChanged(NOW, NODE, "d001", True))
    reserved(board)
    offered = Story().after(3).offered().signals
    for signal in offered:
        board.hear(signal)
    outcome = board.hear(s.ContactChanged(NOW, NODE, "d001", False))
    assert c.Revoke(NODE, "PJSIP/trunk-00000001") in outcome.commands
    assert board.agent("1001").reason == a.PHONE_LOST_REASON


def test_a_phone_that_dies_while_app_queue_rings_it_is_hung_up() -> None:
    """The customer is offered to the next agent at once, and the offer was not the agent's to take."""
    story = Story().arrives().joins().offered()
    board, *_ = board_after(story)
    board.hear(s.ContactChanged(NOW, NODE, "d001", True))
    outcome = board.hear(s.ContactChanged(NOW, NODE, "d001", False))
    channel = board.calls[CALL].legs[-1].channel
    assert c.HangUp(NODE, channel) in outcome.commands
    ended = board.hear(s.Gone(NOW, NODE, board.calls[CALL].legs[-1].id, 0))
    (offer,) = [x for x in ended.facts if isinstance(x, f.OfferEnded)]
    assert offer.outcome is f.OfferOutcome.UNREACHABLE


def test_old_news_of_a_phone_change_nothing() -> None:
    board, *_ = board_after(Story().arrives())
    for seconds, reachable in ((0, True), (5, False), (9, True)):
        board.hear(s.ContactChanged(NOW + seconds * SECOND, NODE, "d001", reachable))
    assert board.hear(s.ContactChanged(NOW + 5 * SECOND, NODE, "d001", False)).facts == []
    assert board.reachable["d001"]
