"""What a leader does with a running call, live: by right, on record, and told how it ended."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from core import facts as f
from core.facts import AgentState
from hotline.simulation.scripts import Key, Pause, Phone
from storage.audit import accesses_of
from tests.e2e.journey.test_seats import members
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


async def leaders_shown(screen: aiohttp.ClientWebSocketResponse, times: int) -> list[list[str]]:
    """How the leaders are in the talk, on the agent's own screen, each time that this is another way."""
    shown: list[list[str]] = []
    async with asyncio.timeout(60):
        while len(shown) < times:
            told = (await screen.receive_json()).get("data", {})
            modes = [one["mode"] for one in told.get("leaders", [])]
            if "leaders" in told and shown[-1:] != [modes]:
                shown.append(modes)
    return shown


@pytest.mark.rule("SEC-11")
async def test_a_leader_listens_barges_and_leaves_and_all_of_it_is_on_record(hotline: Floor) -> None:
    since = len(hotline.facts)
    agent, answered = await talk(hotline)
    await hotline.exchange.phone("d020", TAKES)
    leader = await hotline.sign_in("8001")
    path = f"/api/leader/calls/{answered.call}"
    async with agent.watch("agent:1001") as screen:
        told = await leader.post(f"{path}/join", mode="listen", device="d020", purpose="help", reason="举手")
        assert told == {"call": answered.call, "leg": answered.leg, "leader": "8001", "mode": "listen"}
        refused = await leader.post(f"{path}/join", status=409, mode="whisper", device="d020")
        assert "is in call" in refused["detail"]
        assert (await leader.post(f"{path}/mode", mode="barge"))["mode"] == "barge"
        await leader.post(f"{path}/leave", status=204)
        assert await leaders_shown(screen, 4) == [[], ["listen"], ["barge"], []]
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


async def test_a_leader_takes_a_customer_over_and_the_leg_is_his(hotline: Floor) -> None:
    since = len(hotline.facts)
    _, answered = await talk(hotline)
    await hotline.exchange.phone("d020", TAKES)
    leader = await hotline.agent("8001", "d020")
    path = f"/api/leader/calls/{answered.call}"
    await leader.post(f"{path}/join", mode="barge")
    told = await leader.post(f"{path}/take-over", reason="投诉升级")
    mine = await hotline.fact(f.AgentAnswered, lambda x: x.agent == "8001", after=since)
    assert told == {"call": answered.call, "leg": mine.leg}
    ended = await hotline.fact(f.TalkEnded, lambda x: x.leg == answered.leg, after=since)
    assert ended.released_by is f.Side.SYSTEM
    offered = await hotline.fact(f.AgentOffered, lambda x: x.leg == mine.leg, after=since)
    assert offered.from_leg == answered.leg
    await leader.post("/api/agent/survey", status=204)
    assert (await hotline.fact(f.SurveyStarted, after=since)).leg == mine.leg
    await hotline.settled()
    await leader.post("/api/summaries", status=201, leg=mine.leg, type="silent_call")
    first, second = (await leader.get(f"/api/calls/{answered.call}"))["legs"]
    assert [(one["by"], one["order"], one["reason"]) for one in first["orders"]] == [
        ("8001", "take_over", "投诉升级")
    ]
    assert (first["joined_by"][0]["left_at"] is not None, second["orders"]) == (True, [])


async def test_a_leader_who_does_not_take_it_sends_the_customer_to_the_head_of_the_queue(
    hotline: Floor,
) -> None:
    since = len(hotline.facts)
    _, answered = await talk(hotline)
    leader = await hotline.sign_in("8001")
    path = f"/api/leader/calls/{answered.call}/take-over"
    refused = await leader.post(path, status=409, reason="投诉升级")
    assert "8001 is logged_out" in refused["detail"]
    await hotline.exchange.phone("d020", Phone("busy", refuse=486))
    await leader.post("/api/agent/login", device="d020")
    refused = await leader.post(path, status=409, reason="投诉升级")
    assert "waits again" in refused["detail"]
    again = await hotline.fact(f.CallerQueued, lambda x: x.joined_at > answered.at, after=since)
    assert (again.call, again.queue, again.priority >= 1000) == (answered.call, "card-cmn", True)


async def test_a_leader_ends_a_call_and_nobody_is_rated_for_it(hotline: Floor) -> None:
    since = len(hotline.facts)
    agent, answered = await talk(hotline)
    leader = await hotline.sign_in("8001")
    await leader.post(f"/api/leader/calls/{answered.call}/end", status=204, reason="辱骂坐席")
    talked = await hotline.fact(f.TalkEnded, after=since)
    ended = await hotline.fact(f.CallEnded, after=since)
    assert (talked.released_by, ended.reason) == (f.Side.SYSTEM, f.EndReason.SYSTEM)
    assert not [n for n in hotline.facts[since:] if isinstance(n.fact, f.SurveyStarted)]
    (leg,) = (await agent.get(f"/api/calls/{answered.call}"))["legs"]
    assert [(one["by"], one["order"], one["reason"]) for one in leg["orders"]] == [
        ("8001", "end", "辱骂坐席")
    ]
    async with hotline.hotline.main.read() as connection:
        (link,) = await accesses_of(connection, f"call:{answered.call}")
    assert (link.staff, link.action, link.reason) == ("8001", "end", f"{answered.leg} of 1001: 辱骂坐席")
    assert (
        "is over"
        in (await leader.post(f"/api/leader/calls/{answered.call}/end", status=404, reason="辱骂坐席"))[
            "detail"
        ]
    )


@pytest.mark.rule("SEC-17")
async def test_what_leaders_order_of_agents_is_answered_and_on_record(hotline: Floor) -> None:
    since = len(hotline.facts)
    agent, answered = await talk(hotline)
    leader = await hotline.sign_in("8001")
    told = await leader.post("/api/agents/1001/not-ready", reason="coaching")
    assert (told["state"], told["after_call"]) == ("talking", "coaching")
    assert (await leader.post("/api/agents/1001/ready"))["after_call"] == "ready"
    await agent.post("/api/agent/survey", status=204)
    await hotline.fact(f.TalkEnded, after=since)
    assert (await leader.post("/api/agents/1001/ready"))["state"] == "ready"  # the wrap-up is over
    back = hotline.all(f.AgentStateChanged)[-1]
    assert (back.state, back.reason) == (AgentState.READY, "command")
    assert (await leader.post("/api/agents/1001/logout"))["state"] == "logged_out"
    await leader.post("/api/agents/1001/logout", status=409)
    async with hotline.hotline.main.read() as connection:
        links = await accesses_of(connection, "agent:1001")
    orders = [(one.staff, one.action, one.reason) for one in links]
    assert orders == [
        ("8001", "not_ready", "coaching"),
        ("8001", "ready", ""),
        ("8001", "ready", ""),
        ("8001", "log_out", ""),
        ("8001", "log_out", ""),
    ]
    await hotline.settled()
    owed = await agent.get("/api/summaries/owed")
    assert answered.leg in [one["leg"] for one in owed["owed"]]


async def test_a_leader_lends_an_agent_to_other_queues_and_gives_him_back(hotline: Floor) -> None:
    await hotline.exchange.phone("d001", TALKS)
    await hotline.agent("1001", "d001")
    leader = await hotline.sign_in("8001")
    await hotline.hotline.telephony.told()
    own = set(await members(hotline, "1001"))
    told = await leader.put("/api/agents/1001/loan", skills={"loss": 1}, reason="挂失来电多")
    assert told["queues"] == ["loss-cmn", "loss-nan"]
    await hotline.hotline.telephony.told()
    assert set(await members(hotline, "1001")) == {"loss-cmn", "loss-nan"}
    await leader.delete("/api/agents/1001/loan", status=200)
    await hotline.hotline.telephony.told()
    assert set(await members(hotline, "1001")) == own
    await leader.put("/api/agents/1013/loan", status=403, skills={"loss": 1}, reason="不是本组的")
    await leader.put("/api/agents/1001/loan", status=422, skills={"nothing": 1}, reason="没有此业务")


@pytest.mark.rule("CALL-09", "CALL-10")
async def test_harassment_is_cut_off_after_a_warning_and_the_leaders_are_told(hotline: Floor) -> None:
    since = len(hotline.facts)
    agent, answered = await talk(hotline)
    await agent.post("/api/agent/harassment", status=422, warned=False)
    note = "多次辱骂,自称卡号6222021234567890123"
    told = await agent.post("/api/agent/harassment", warned=True, note=note)
    assert told == {"leg": answered.leg, "told": ["8001", "8101"]}
    reported = await hotline.fact(f.HarassmentReported, after=since)
    assert (reported.leg, reported.note) == (answered.leg, "多次辱骂,自称卡号***************0123")
    talked = await hotline.fact(f.TalkEnded, after=since)
    ended = await hotline.fact(f.CallEnded, after=since)
    assert (talked.released_by, ended.reason) == (f.Side.SYSTEM, f.EndReason.SYSTEM)
    assert not [n for n in hotline.facts[since:] if isinstance(n.fact, f.SurveyStarted)]
    await agent.post("/api/agent/harassment", status=409, warned=True)
    await hotline.settled()
    for staff, notices in (("8001", 1), ("8101", 1), ("8002", 0)):
        person = await hotline.sign_in(staff)
        found = [one for one in (await person.get("/api/notices"))["notices"] if "骚扰" in one["subject"]]
        assert [one["cause"] for one in found] == [f"call:{answered.call}"] * notices
    summary = {"leg": answered.leg, "type": "harassment", "content": "辱骂", "hang_up_reason": "警告无效"}
    await agent.post("/api/summaries", status=201, reported_to="8001", **summary)
    (leg,) = (await agent.get(f"/api/calls/{answered.call}"))["legs"]
    assert leg["harassment"]
