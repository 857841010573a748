"""What a leader does with a running call, live: by right, on record, and told how it ended."""

from __future__ import annotations

import asyncio

import pytest

from core import facts as f
from core.facts import AgentState
from hotline.simulation.scripts import Key, Pause, Phone
from storage.audit import accesses_of
from tests.support.floor import Floor, Person

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
TALKS = Phone("agent", answer_ms=200, talk_ms=60_000)
TAKES = Phone("leader", answer_ms=200, talk_ms=60_000)


async def talk(hotline: Floor, device: str = "d001") -> tuple[Person, f.AgentAnswered]:
    """Agent 1001, of leader 8001's team, talks with a customer."""
    since = len(hotline.facts)
    await hotline.exchange.phone(device, TALKS)
    agent = await hotline.agent("1001", device)
    await hotline.exchange.call(*TO_CARD)
    return agent, await hotline.fact(f.AgentAnswered, after=since)


@pytest.mark.rule("SEC-11")
async def test_a_leader_listens_barges_and_leaves_and_all_of_it_is_on_record(hotline: Floor) -> None:
    since = len(hotline.facts)
    agent, answered = await talk(hotline)
    await hotline.exchange.phone("d020", TAKES)
    leader = await hotline.sign_in("8001")
    path = f"/api/leader/calls/{answered.call}"
    told = await leader.post(f"{path}/join", mode="listen", device="d020", purpose="help", reason="举手")
    assert told == {"call": answered.call, "leg": answered.leg, "leader": "8001", "mode": "listen"}
    refused = await leader.post(f"{path}/join", status=409, mode="whisper", device="d020")
    assert "is in call" in refused["detail"]
    assert (await leader.post(f"{path}/mode", mode="barge"))["mode"] == "barge"
    await leader.post(f"{path}/leave", status=204)
    assert (await leader.post(f"{path}/leave", status=409))["detail"].startswith("you are not in call")
    talking = hotline.hotline.telephony.switchboard.agent("1001")
    assert talking.state is AgentState.TALKING

    await agent.post("/api/agent/survey", status=204)
    await hotline.fact(f.TalkEnded, after=since)
    filed = await hotline.fact(f.RecordingFiled, after=since)
    assert filed.status == "present"
    summary = await agent.post("/api/summaries", status=201, leg=answered.leg, type="silent_call")
    (joined,) = summary["joined_by"]
    assert (joined["leader"], [one["mode"] for one in joined["modes"]]) == ("8001", ["listen", "barge"])
    assert joined["left_at"] is not None
    call = await agent.get(f"/api/calls/{answered.call}")
    assert [leg["joined_by"] for leg in call["legs"]] == [[joined]]
    async with hotline.hotline.main.read() as connection:
        links = await accesses_of(connection, f"call:{answered.call}")
    about = f"{answered.leg} of 1001"
    assert [(one.staff, one.action, one.purpose, one.reason) for one in links] == [
        ("8001", "listen", "help", f"{about}: 举手"),
        ("8001", "barge", "guidance", about),
    ]
    recordings = (await leader.get("/api/recordings", call=answered.call))["recordings"]
    assert [sorted(file["part"] for file in one["files"]) for one in recordings] == [
        ["agent", "customer", "leader"]
    ]
    # He was no customer, and no agent.
    assert [type(n.fact) for n in hotline.facts[since:]].count(f.CallArrived) == 1
    assert {x.agent for x in hotline.all(f.AgentOffered)} == {"1001"}


async def test_what_keeps_a_leader_out_is_told(hotline: Floor) -> None:
    _, answered = await talk(hotline)
    await hotline.exchange.phone("d020", Phone("busy", refuse=486))
    leader, other = await hotline.sign_in("8001"), await hotline.sign_in("8002")
    path = f"/api/leader/calls/{answered.call}/join"
    for person, status, about, why in (
        (leader, 409, {"device": "d020"}, "the telephone at d020 did not take the call"),
        (leader, 409, {"device": "d001"}, "agent 1001 sits at d001"),
        (leader, 409, {"device": "d021"}, "the telephone at d021 did not take the call"),
        (leader, 422, {}, "logged in at no telephone"),
        (leader, 404, {"device": "d020", "leg": "node1-1.1"}, "has no leg"),
        (other, 403, {"device": "d020"}, "does not reach 1001"),
    ):
        refused = await person.post(path, status=status, mode="listen", **about)
        assert why in str(refused), refused
    missed = hotline.all(f.LeaderMissed)
    assert [(x.leader, x.leg, x.cause) for x in missed] == [
        ("8001", answered.leg, "not_taken"),
        ("8001", answered.leg, "not_taken"),
    ]
    nowhere = "/api/leader/calls/00000000-0000-4000-8000-000000000000/join"
    assert "goes on" in (await leader.post(nowhere, status=404, mode="listen", device="d020"))["detail"]


async def test_a_talk_that_ends_while_the_leader_is_rung_lets_nobody_in(hotline: Floor) -> None:
    agent, answered = await talk(hotline)
    await hotline.exchange.phone("d020", Phone("rings", answer_ms=None))
    leader = await hotline.sign_in("8001")
    path = f"/api/leader/calls/{answered.call}/join"
    heard = len(hotline.exchange.tap.heard)
    asked = asyncio.create_task(leader.post(path, status=409, mode="barge", device="d020"))
    await hotline.exchange.tap.wait_until(
        lambda e: e["Event"] == "DialState" and e["DestChannel"].startswith("PJSIP/d020-"),
        "d020 to ring",
        after=heard,
    )
    await agent.post("/api/agent/survey", status=204)
    assert (await asked)["detail"] == "the talk has ended before you were in it"
    await hotline.exchange.tap.wait_until(
        lambda e: e["Event"] == "Hangup" and e["Channel"].startswith("PJSIP/d020-"),
        "d020 to be let go",
        after=heard,
    )
