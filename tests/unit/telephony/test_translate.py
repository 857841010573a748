"""What is not as our dialplan and Asterisk 22 write it is refused by name, and never reaches a fold."""

from __future__ import annotations

import pytest

from core.clock import SECOND
from telephony import signals as s
from telephony.ami.accounts import EVENT_INCLUDE
from telephony.translate import EVENTS, BadEvent, translate
from tests.scenarios.captures_read import Recorded
from tests.unit.telephony.story import CALL, CUSTOMER, NODE

NOW = 1_700_000_000 * SECOND
ABOUT_THE_CALL = {"Event": "UserEvent", "Call": CALL, "Uniqueid": CUSTOMER, "Timestamp": "1700000001.000002"}


def heard(**headers: str) -> s.Signal | None:
    return translate(Recorded(0, 0, tuple(headers.items())), NODE, NOW)


def test_the_time_is_asterisks_own_and_ours_only_where_it_gives_none() -> None:
    told = heard(Event="Hangup", Uniqueid=CUSTOMER, Cause="16", Timestamp="1700000001.000002")
    assert told == s.Gone(1_700_000_001_000_002, NODE, CUSTOMER, 16)
    assert heard(Event="Hangup", Uniqueid=CUSTOMER) == s.Gone(NOW, NODE, CUSTOMER, 0)


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"UserEvent": "CallArrived", "Call": "1 or 1=1"}, "Call"),
        ({"UserEvent": "QueueEntered", "Queue": "card-cmn&x"}, "Queue"),
        ({"UserEvent": "SurveyEnded", "Outcome": "won"}, "SurveyOutcome"),
        ({"UserEvent": "SurveyAnswered", "Question": "solved", "Answer": "yes"}, "yes"),
        ({"UserEvent": "AgentCode", "Device": "../d001", "Code": "login"}, "Device"),
        ({"UserEvent": "CallArrived", "Timestamp": "noon"}, "noon"),
    ],
)
def test_what_has_the_wrong_shape_is_refused_by_name(headers: dict[str, str], named: str) -> None:
    with pytest.raises(BadEvent, match=named):
        heard(**(ABOUT_THE_CALL | headers))


def test_what_says_nothing_to_us_is_passed_over() -> None:
    assert heard(Event="VarSet", Variable="X") is None
    assert heard(**(ABOUT_THE_CALL | {"UserEvent": "SomebodyElses"})) is None
    assert heard(Event="DialState", DialStatus="PROGRESS", DestUniqueid=CUSTOMER) is None
    assert heard(Event="ContactStatus", AOR="trunk", ContactStatus="Reachable") is None


def test_all_that_is_translated_is_let_through_by_the_filter() -> None:
    assert set(EVENTS) <= set(EVENT_INCLUDE)


def test_our_own_offers_read_like_those_of_app_queue() -> None:
    """Told on the agent's channel, which gives the device; the customer's is named in the text."""
    leg = "node1-1700000000.7"
    about = {
        "Event": "UserEvent",
        "Call": CALL,
        "Uniqueid": leg,
        "Channel": "PJSIP/d001-00000007",
        "Customer": CUSTOMER,
        "Queue": "card-cmn",
        "Agent": "1001",
    }
    who = (CUSTOMER, leg, "card-cmn", "1001", "d001")
    assert heard(UserEvent="AgentOffered", **about) == s.Offered(NOW, NODE, *who, "PJSIP/d001-00000007", True)
    assert heard(UserEvent="OfferMissed", **about) == s.OfferFailed(NOW, NODE, *who)
    over = ABOUT_THE_CALL | {"UserEvent": "OfferOver", "Agent": "1001"}
    assert heard(**over) == s.OfferOver(1_700_000_001_000_002, NODE, CALL, CUSTOMER, "1001")
    with pytest.raises(BadEvent, match="Agent"):
        heard(**(over | {"Agent": "all"}))


def test_a_transfer_outside_names_the_number_and_what_came_of_it() -> None:
    headers = ABOUT_THE_CALL | {"UserEvent": "OutsideDialled", "Number": "110"}
    about = (1_700_000_001_000_002, NODE, CALL, CUSTOMER)
    assert heard(**headers) == s.OutsideCalled(*about, "110")
    over = ABOUT_THE_CALL | {"UserEvent": "OutsideOver", "Status": "BUSY", "HangupCause": "17"}
    assert heard(**over) == s.OutsideOver(*about, "BUSY", 17)
    with pytest.raises(BadEvent, match="Number"):
        heard(**(headers | {"Number": "110&PJSIP/d001"}))


def test_a_consult_names_the_call_who_asks_and_both_channels() -> None:
    asked, by, to = (f"node1-1700000000.{n}" for n in (2, 8, 9))
    about = {"Call": CALL, "Uniqueid": to, "Channel": "PJSIP/d002-00000009"}
    headers = {"Event": "UserEvent", "UserEvent": "ConsultStarted", "Asking": asked, "By": by}
    assert heard(**headers, **about, Agent="1002") == s.ConsultCalled(
        NOW, NODE, CALL, to, asked, by, "1002", "d002", "PJSIP/d002-00000009"
    )
    found = heard(**headers, **about, Agent="1002", Of="loss-cmn")
    assert isinstance(found, s.ConsultCalled)
    assert found.of == "loss-cmn"
    with pytest.raises(BadEvent, match="Asking"):
        heard(**(headers | {"Asking": "x"}), **about, Agent="1002")


def test_a_conference_names_the_call_and_both_agents_on_a_channel_that_is_none_of_theirs() -> None:
    mine, asked, local = (f"node1-1700000000.{n}" for n in (2, 9, 11))
    about = {"Call": CALL, "Leg": mine, "Asked": asked}
    told = {"Event": "UserEvent", "UserEvent": "ConferenceCalled", "Uniqueid": local, **about}
    assert heard(**told) == s.ConferenceCalled(NOW, NODE, CALL, mine, asked)
    with pytest.raises(BadEvent, match="Asked"):
        heard(**(told | {"Asked": "all"}))


def test_an_attended_transfer_names_both_channels_of_the_telephone_if_it_came_about() -> None:
    event = {"Event": "AttendedTransfer", "OrigTransfererUniqueid": "a.1", "SecondTransfererUniqueid": "a.2"}
    assert heard(**event, Result="Success") == s.HandedOver(NOW, NODE, "a.1", "a.2")
    assert heard(**event, Result="Fail") is None
    event |= {"Result": "Success", "SecondTransfererExten": "loss-cmn"}
    asked = {"SecondTransfererContext": "hotline-ask-queue"}
    assert heard(**event, **asked, DestType="App") == s.HandedOver(NOW, NODE, "a.1", "a.2", "loss-cmn")
    assert heard(**event, **asked, DestType="Bridge") == s.HandedOver(NOW, NODE, "a.1", "a.2")
    colleague = event | {"SecondTransfererContext": "hotline-colleague", "SecondTransfererExten": "s"}
    assert heard(**colleague, DestType="App") == s.HandedOver(NOW, NODE, "a.1", "a.2")
