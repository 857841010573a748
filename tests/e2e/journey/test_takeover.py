"""A standby takes over while customers talk and wait on a real Asterisk: to them it is one hotline."""

from __future__ import annotations

import asyncio
import signal

import pytest

from core import facts as f
from core.clock import SECOND
from directory import seed
from directory.lookup import Directory
from hotline.leading import Candidate
from hotline.settings_lease import LeaseSettings
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.books import book_of, require_once, require_unbroken
from tests.support.floor import Floor
from tests.support.ports import own
from tests.support.serving import Serving, environment, serving

DATABASES = ("postgresql",)
pytestmark = [pytest.mark.asterisk, pytest.mark.postgresql, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
TERM_S, RENEW_S, TALK_S = 2.0, 0.2, 14
LEADER_PORT = own().spare[-1]


def as_seeded() -> Directory:
    """What a service of its own reads: the demo's seed."""
    return seed.load(seed.DEMO)


DIRECTORY = as_seeded


@pytest.fixture
def standby(hotline: Floor) -> Candidate:
    """Who may lead on the floor's own data folder and port."""
    lease = LeaseSettings(term_s=TERM_S, renew_s=RENEW_S)
    return Candidate(hotline.settings.model_copy(update={"lease": lease}))


async def is_over(leader: Serving, gone: signal.Signals) -> None:
    """It is dead; or it wakes in the middle of the talk, finds that another leads, and ends."""
    if gone is signal.SIGKILL:
        assert (await leader.ends())[0] == -signal.SIGKILL
        return
    leader.process.send_signal(signal.SIGCONT)
    status, said = await leader.ends()
    assert (status, "has lost the lease" in said) == (2, True), said


@pytest.mark.parametrize("gone", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
async def test_a_standby_goes_on_with_calls_that_talk_and_wait(
    hotline: Floor, standby: Candidate, gone: signal.Signals
) -> None:
    exchange, tap = hotline.exchange, hotline.exchange.tap
    await exchange.phone("d001", Phone("phone", answer_ms=300, talk_ms=TALK_S * 1000))
    await hotline.stop_service()
    heard = len(tap.heard)
    folder = hotline.settings.data_dir.parent / f"leader-{gone.name}"
    folder.mkdir()
    leads = environment(
        hotline,
        DATA_DIR=str(folder),
        WEB__PORT=str(LEADER_PORT),
        LEASE__TERM_S=str(TERM_S),
        LEASE__RENEW_S=str(RENEW_S),
    )
    async with serving(leads) as leader:
        client = await hotline.sign_in("1001", LEADER_PORT)
        await client.post("/api/agent/login", device="d001")
        await client.post("/api/agent/ready")
        await exchange.call(*TO_CARD, number="02154320001", name="talks")
        await tap.wait_for("AgentConnect", after=heard)
        await exchange.call(*TO_CARD, number="02154320002", name="waits")
        await tap.wait_for("QueueCallerJoin", after=heard, CallerIDNum="02154320002")
        await asyncio.sleep(0.1)  # the ledger stores in batches; what is not stored then is the gap's
        leader.process.send_signal(gone)
        arrivals = {e["Caller"]: e["Call"] for e in tap.all("CallArrived")[-2:]}
        talks, waits = arrivals["02154320001"], arrivals["02154320002"]

        async with standby as candidate:
            async with asyncio.timeout(60):
                await candidate.leads()
            since = len(hotline.facts)
            await hotline.start_service(candidate.won)
            gap = await hotline.fact(f.GapDeclared, after=since)
            assert 0 < gap.at - gap.since < 60 * SECOND
            agent = await hotline.sign_in("1001")
            now = await agent.get("/api/agent")
            assert (now["state"], now["call"], now["device"]) == ("talking", talks, "d001")
            line = hotline.hotline.telephony.switchboard.lines(hotline.now())["card-cmn"]
            assert [waiting.call.id for waiting in line] == [waits]
            await is_over(leader, gone)

            # The talk has lasted through it all; its survey is its own leg's; who waited is next.
            talk = await hotline.fact(f.TalkEnded, after=since)
            assert (talk.call, talk.released_by) == (talks, f.Side.AGENT)
            assert abs(talk.talked - TALK_S * SECOND) < SECOND
            survey = await hotline.fact(f.SurveyEnded, lambda x: x.call == talks, after=since)
            assert survey.leg == talk.leg
            await hotline.settled()
            await agent.post("/api/summaries", status=201, leg=talk.leg, type="silent_call")
            answered = await hotline.fact(f.AgentAnswered, lambda x: x.call == waits, after=since)
            joined = next(e for e in tap.all("QueueEntered") if e["Call"] == waits)
            assert answered.waited == answered.at - int(joined["JoinedUs"])
            await exchange.hang_up_all()
            for call in (talks, waits):
                await hotline.fact(
                    f.CallEnded,
                    lambda x, call=call: x.call == call,
                    after=since,  # type: ignore[misc]
                )
            book = await book_of(hotline)
            await hotline.clear()
            await hotline.stop_service()
    await hotline.start_service()
    require_once(book, (talks, waits), menus=2)
    require_unbroken(book, "1001")
