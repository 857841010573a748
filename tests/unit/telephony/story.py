"""A call told in signals, for tests of the folds; `Story` keeps times and ids straight."""

from __future__ import annotations

from core.clock import SECOND, Instant
from core.facts import Fact
from telephony import signals as s
from telephony.call_fold import arrive, reduce
from telephony.calls import Call

CALL = "11111111-2222-3333-4444-555555555555"
CUSTOMER = "node1-1700000000.1"
NODE = "node1"
START: Instant = 1_700_000_000 * SECOND


def leg(number: int) -> str:
    return f"node1-1700000000.{number}"


class Story:
    """Signals in the order of happening; `at` advances by what each step is given (seconds)."""

    def __init__(self) -> None:
        self.at = START
        self.signals: list[s.Signal] = []

    def add(self, signal: s.Signal) -> Story:
        self.signals.append(signal)
        return self

    def after(self, seconds: float) -> Story:
        self.at += round(seconds * SECOND)
        return self

    def arrives(self, *, vip: bool = False) -> Story:
        return self.add(
            s.Arrived(
                self.at,
                NODE,
                CALL,
                CUSTOMER,
                "PJSIP/trunk-00000001",
                "13800001111",
                "95559",
                vip,
                "95559",
                "v1",
            )
        )

    def speaks(self, language: str = "cmn") -> Story:
        return self.add(s.LanguagePicked(self.at, NODE, CALL, CUSTOMER, language))

    def picks(self, key: str = "1", target: str = "personal") -> Story:
        return self.add(s.MenuPicked(self.at, NODE, CALL, CUSTOMER, "main", key, target))

    def enters(self, queue: str = "personal-cmn", round_: int = 1, joined: Instant | None = None) -> Story:
        at = self.at
        return self.add(s.Entering(at, NODE, CALL, CUSTOMER, queue, joined or at, round_, 0, "cmn"))

    def joins(self, queue: str = "personal-cmn", round_: int = 1, joined: Instant | None = None) -> Story:
        self.enters(queue, round_, joined)
        return self.add(s.Joined(self.at, NODE, CUSTOMER, queue, 1))

    def offered(self, number: int = 2, agent: str = "1001", *, rings: bool = True) -> Story:
        self.add(
            s.Offered(
                self.at,
                NODE,
                CUSTOMER,
                leg(number),
                "personal-cmn",
                agent,
                "d001",
                f"PJSIP/d001-0000000{number}",
            )
        )
        return self.add(s.Rang(self.at, NODE, leg(number))) if rings else self

    def fails(self, number: int = 2, agent: str = "1001", cause: int = 0) -> Story:
        if cause:
            self.add(s.HangupAsked(self.at, NODE, leg(number), cause))
        self.add(s.OfferFailed(self.at, NODE, CUSTOMER, leg(number), "personal-cmn", agent, "d001"))
        return self.add(s.Gone(self.at, NODE, leg(number), cause))

    def answers(self, number: int = 2, agent: str = "1001") -> Story:
        self.add(
            s.Connected(
                self.at,
                NODE,
                CUSTOMER,
                leg(number),
                "personal-cmn",
                agent,
                "d001",
                f"PJSIP/d001-0000000{number}",
            )
        )
        self.add(s.RecordingBegan(self.at, NODE, CALL, leg(number), f"{CALL}_{leg(number)}"))
        self.add(s.Bridged(self.at, NODE, leg(number), "b1"))
        return self.add(s.Bridged(self.at, NODE, CUSTOMER, "b1"))

    def holds(self, number: int = 2) -> Story:
        return self.add(s.Held(self.at, NODE, leg(number)))

    def is_back(self, number: int = 2) -> Story:
        return self.add(s.Unheld(self.at, NODE, leg(number)))

    def refers(self, to: str, number: int = 2, agent: str = "1001") -> Story:
        """The agent's telephone sends the customer on; app_queue and the bridge say so too."""
        self.add(s.Transferred(self.at, NODE, leg(number), to))
        self.add(s.Completed(self.at, NODE, CUSTOMER, leg(number), "personal-cmn", agent, "d001", "transfer"))
        self.add(s.Unbridged(self.at, NODE, leg(number), "b1"))
        self.add(s.Unbridged(self.at, NODE, CUSTOMER, "b1"))
        return self.add(s.Gone(self.at, NODE, leg(number), 16))

    def sent_to(self, number: int = 3, agent: str = "1002") -> Story:
        """The dialplan rings a colleague to whom the customer was sent."""
        channel = f"PJSIP/d002-0000000{number}"
        offer = (self.at, NODE, CUSTOMER, leg(number), "personal-cmn", agent, "d002", channel)
        self.add(s.Offered(*offer, False, True))
        return self.add(s.Rang(self.at, NODE, leg(number)))

    def colleague_answers(self, number: int = 3) -> Story:
        self.add(s.Bridged(self.at, NODE, leg(number), "b2"))
        return self.add(s.Bridged(self.at, NODE, CUSTOMER, "b2"))

    def asks(
        self, number: int = 3, agent: str = "1002", by: int = 9, *, rings: bool = True, of: str = ""
    ) -> Story:
        """The first agent calls a colleague from another channel of his telephone, or the queue `of`."""
        about = (leg(2), leg(by), agent, "d002", f"PJSIP/d002-0000000{number}", of)
        self.add(s.ConsultCalled(self.at, NODE, CALL, leg(number), *about))
        return self.add(s.Rang(self.at, NODE, leg(number))) if rings else self

    def is_told(self, number: int = 3, by: int = 9) -> Story:
        """The colleague answers; they talk in a bridge of their own."""
        self.add(s.RecordingBegan(self.at, NODE, CALL, leg(number), f"{CALL}_{leg(number)}"))
        self.add(s.Bridged(self.at, NODE, leg(number), "b9"))
        return self.add(s.Bridged(self.at, NODE, leg(by), "b9"))

    def knows_enough(self, number: int = 3, by: int = 9) -> Story:
        """The agent hangs up on the colleague."""
        self.add(s.HangupAsked(self.at, NODE, leg(by), 16))
        self.add(s.Unbridged(self.at, NODE, leg(by), "b9"))
        self.add(s.Unbridged(self.at, NODE, leg(number), "b9"))
        self.add(s.Gone(self.at, NODE, leg(number), 16))
        return self.add(s.Gone(self.at, NODE, leg(by), 16))

    def hands_over(self, number: int = 3, by: int = 9) -> Story:
        """In the order of the capture handed_over_to_a_colleague."""
        self.add(s.Unheld(self.at, NODE, leg(2)))
        self.add(s.Unbridged(self.at, NODE, leg(number), "b9"))
        self.add(s.Unbridged(self.at, NODE, leg(2), "b1"))
        self.add(s.Bridged(self.at, NODE, leg(number), "b1"))
        self.add(s.HandedOver(self.at, NODE, leg(2), leg(by)))
        self.add(s.Completed(self.at, NODE, CUSTOMER, leg(2), "personal-cmn", "1001", "d001", "transfer"))
        self.add(s.Gone(self.at, NODE, leg(2), 16))
        self.add(s.Unbridged(self.at, NODE, leg(by), "b9"))
        return self.add(s.Gone(self.at, NODE, leg(by), 16))

    def colleague_hangs_up(self, number: int = 3, bridge: str = "b1") -> Story:
        self.add(s.HangupAsked(self.at, NODE, leg(number), 16))
        self.add(s.Unbridged(self.at, NODE, leg(number), bridge))
        self.add(s.Unbridged(self.at, NODE, CUSTOMER, bridge))
        return self.add(s.Gone(self.at, NODE, leg(number), 16))

    def agent_hangs_up(self, number: int = 2, agent: str = "1001") -> Story:
        self.add(s.HangupAsked(self.at, NODE, leg(number), 16))
        self.add(s.Completed(self.at, NODE, CUSTOMER, leg(number), "personal-cmn", agent, "d001", "agent"))
        self.add(s.Unbridged(self.at, NODE, leg(number), "b1"))
        self.add(s.Unbridged(self.at, NODE, CUSTOMER, "b1"))
        return self.add(s.Gone(self.at, NODE, leg(number), 16))

    def phone_falls_silent(self, number: int = 2, agent: str = "1001") -> Story:
        """What app_queue calls the agent's own end of the talk."""
        self.add(s.DeviceFailed(self.at, NODE, leg(number)))
        self.add(s.Completed(self.at, NODE, CUSTOMER, leg(number), "personal-cmn", agent, "d001", "agent"))
        self.add(s.Unbridged(self.at, NODE, leg(number), "b1"))
        self.add(s.Unbridged(self.at, NODE, CUSTOMER, "b1"))
        return self.add(s.Gone(self.at, NODE, leg(number), 44))

    def survey_begins(self, *, transferred: bool = False) -> Story:
        return self.add(s.SurveyBegan(self.at, NODE, CALL, CUSTOMER, transferred))

    def rates(self, satisfaction: int, solved: int | None = None) -> Story:
        self.add(s.SurveyKeyed(self.at, NODE, CALL, CUSTOMER, "satisfaction", satisfaction))
        if solved is not None:
            self.add(s.SurveyKeyed(self.at, NODE, CALL, CUSTOMER, "solved", solved))
        return self

    def survey_ends(self, outcome: str = "completed") -> Story:
        return self.add(s.SurveyOver(self.at, NODE, CALL, CUSTOMER, outcome))

    def customer_hangs_up(self) -> Story:
        self.add(s.HangupAsked(self.at, NODE, CUSTOMER, 0))
        return self.add(s.Gone(self.at, NODE, CUSTOMER, 16))

    def is_hung_up(self) -> Story:
        return self.add(s.Gone(self.at, NODE, CUSTOMER, 16))


def tell(signals: list[s.Signal]) -> tuple[Call, list[Fact]]:
    """The call and its facts after all signals; the first must be the arrival."""
    first, *rest = signals
    assert isinstance(first, s.Arrived)
    call, new = arrive(first)
    facts = list(new)
    for signal in rest:
        call, new = reduce(call, signal)
        facts += new
    return call, facts


def normal() -> Story:
    """Menu, 2 s wait, 3 s ring, 60 s talk, agent hangs up, survey 5 and solved."""
    story = (
        Story()
        .arrives()
        .after(2)
        .speaks()
        .after(3)
        .picks()
        .after(0.5)
        .joins()
        .after(2)
        .offered()
        .after(3)
        .answers()
    )
    story.after(60).agent_hangs_up().survey_begins().after(4).rates(5, 1).survey_ends().after(1)
    return story.is_hung_up()
