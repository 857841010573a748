"""What the dispatcher tells a node: each thing once, and again after the node has forgotten it."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from core.clock import SECOND
from core.errors import BadInput
from core.facts import AgentState as S
from telephony import commands as c
from telephony.agents import Agent
from telephony.ami.action import Action
from telephony.ami.pending import Outcome, Reply
from telephony.calls import Call, Wait
from telephony.dispatch import AppQueueDispatcher
from telephony.hands import NodeHands, action_of
from telephony.waiting import OFFERS_APART, Waiting
from tests.unit.telephony.story import CALL, CUSTOMER, NODE
from tests.unit.telephony.test_agents import NOW, members


def dispatcher(*, listening: bool = True) -> AppQueueDispatcher:
    made = AppQueueDispatcher(
        memberships=members, short_pause=lambda reason: reason == "rest", queues=lambda: ("personal-cmn",)
    )
    if listening:
        made.node_came(NODE)
    return made


def seated(device: str = "d001", number: str = "1001") -> Agent:
    return Agent(number, S.READY if device else S.LOGGED_OUT, device=device)


def plan(made: AppQueueDispatcher, *agents: Agent) -> list[c.Command]:
    return made.plan({}, {agent.number: agent for agent in agents}, NOW)


def test_who_is_on_duty_and_who_sits_where_is_told_once_and_again_after_a_restart() -> None:
    made = dispatcher()
    told = [
        c.PublishDuty(NODE, "personal-cmn", 1),
        c.PublishAgentAt(NODE, "d001", "1001"),
        c.PublishDeviceOf(NODE, "1001", "d001"),
    ]
    assert plan(made, seated()) == told
    assert plan(made, seated()) == []
    made.node_came(NODE)
    assert plan(made, seated()) == told
    assert plan(dispatcher(listening=False), seated()) == []


def test_an_empty_seat_is_told_as_nobodys() -> None:
    made = dispatcher()
    plan(made, seated())
    assert plan(made, seated("")) == [
        c.PublishDuty(NODE, "personal-cmn", 0),
        c.PublishAgentAt(NODE, "d001", ""),
        c.PublishDeviceOf(NODE, "1001", ""),
    ]
    assert plan(made, seated("")) == []
    assert plan(made, seated("", "1001"), seated("d001", "1002"))[1:] == [
        c.PublishAgentAt(NODE, "d001", "1002"),
        c.PublishDeviceOf(NODE, "1002", "d001"),
    ]
    assert dict(action_of(c.PublishAgentAt(NODE, "d001", "")).headers) == {
        "Variable": "AGENT_D001",
        "Value": "-",
    }
    assert dict(action_of(c.PublishDeviceOf(NODE, "1001", "d001")).headers) == {
        "Variable": "DEVICE_1001",
        "Value": "d001",
    }


def waiting(since: int, round_: int = 1) -> dict[str, list[Waiting]]:
    wait = Wait("personal-cmn", since, round_, 0)
    call = Call(CALL, NODE, CUSTOMER, "PJSIP/trunk-00000001", since, wait=wait)
    return {"personal-cmn": [Waiting(call, wait, 1)]}


def test_a_new_round_is_aged_anew_but_tells_nothing_twice() -> None:
    made = dispatcher()
    late = NOW + 31 * SECOND
    first = [type(command) for command in made.plan(waiting(NOW), {}, late)]
    assert first[-2:] == [c.ChangePriority, c.Announce]
    assert made.plan(waiting(NOW), {}, late + SECOND) == []
    made.requeued(CALL)
    assert [type(x) for x in made.plan(waiting(NOW, 2), {}, late + 2 * SECOND)] == [c.ChangePriority]
    assert [type(x) for x in made.forget(NODE, CALL)] == [c.Silence]
    assert made.forget(NODE, CALL) == []


def test_the_call_back_is_offered_with_announcements_from_its_time_on_and_only_where_it_has_one() -> None:
    made = AppQueueDispatcher(
        memberships=members,
        short_pause=lambda reason: False,
        offers_callback=lambda node, queue: 0 if (node, queue) == (NODE, "loss-cmn") else 40 * SECOND,
        queues=lambda: ("personal-cmn", "loss-cmn"),
    )
    made.node_came(NODE)
    lines = {queue: [queued(queue, queue, NOW)] for queue in ("personal-cmn", "loss-cmn")}
    told = [made.plan(lines, {}, NOW + seconds * SECOND) for seconds in (10, 39, 40, 70)]
    offers = [[c_.offer for c_ in said if isinstance(c_, c.Announce)] for said in told]
    assert offers == [[False, False], [], [True, False], [True, False]]
    (first,) = [one for one in told[2] if isinstance(one, c.Announce) and one.offer]
    spoken = c.Announce(NODE, "PJSIP/trunk-00000001", first.position, first.minutes, first.id, first.offer)
    assert ("Variable", "__ANNOUNCE_OFFER=1") in action_of(spoken).headers


def test_a_favoured_customer_is_raised_at_once_and_again_in_each_round() -> None:
    made = dispatcher()
    ((one,),) = waiting(NOW).values()
    favoured = {"personal-cmn": [Waiting(replace(one.call, favoured=True), one.wait, 1)]}
    raised = c.ChangePriority(NODE, "personal-cmn", "PJSIP/trunk-00000001", 10)
    assert raised in made.plan(favoured, {}, NOW)
    assert raised not in made.plan(favoured, {}, NOW + SECOND)
    made.requeued(CALL)
    assert raised in made.plan(favoured, {}, NOW + 2 * SECOND)


def test_a_freed_agent_gets_the_caller_who_is_overdue_longest_in_any_queue_of_theirs() -> None:
    made = AppQueueDispatcher(
        memberships=members,
        short_pause=lambda reason: False,
        bound=lambda queue: 60 * SECOND,
        queues=lambda: ("personal-cmn", "card-cmn", "loss-cmn"),
    )
    made.node_came(NODE)
    lines = {
        queue: [queued(queue, call, NOW + joined * SECOND)]
        for queue, call, joined in (("loss-cmn", "z", 0), ("card-cmn", "a", 2), ("personal-cmn", "b", 5))
    }
    now = NOW + 61 * SECOND
    made.plan(lines, {}, now)
    assert made.choose(seated(), now) is None  # nobody of theirs is overdue; loss is no queue of theirs
    now = NOW + 66 * SECOND
    made.plan(lines, {}, now)
    chosen = [made.choose(seated(), now) for _ in range(3)]
    assert [one and one.call.id for one in chosen] == ["a", "b", None]
    made.plan(lines, {}, now + OFFERS_APART - 1)  # whatever became of it, an offer is not repeated at once
    assert made.choose(seated(), now + OFFERS_APART - 1) is None
    made.plan(lines, {}, now + OFFERS_APART)
    assert made.choose(seated(), now + OFFERS_APART) is not None


def queued(queue: str, call: str, since: int) -> Waiting:
    wait = Wait(queue, since, 1, 0)
    return Waiting(Call(call, NODE, call, f"PJSIP/trunk-{call}", since, wait=wait), wait, 1)


def test_offers_are_redirects_into_contexts_of_our_own() -> None:
    channel = "PJSIP/trunk-00000001"
    assert dict(action_of(c.Offer(NODE, channel, CALL, "1001")).headers) == {
        "Channel": channel,
        "Context": "hotline-offered",
        "Exten": "1001",
        "Priority": "1",
    }
    assert dict(action_of(c.Revoke(NODE, channel)).headers)["Context"] == "hotline-wait"
    with pytest.raises(BadInput):
        action_of(c.Offer(NODE, channel, CALL, "1001,1,System(x)"))


def test_the_wait_that_is_announced_follows_from_the_handling_time_of_the_queue() -> None:
    made = AppQueueDispatcher(
        memberships=members,
        short_pause=lambda reason: False,
        handling=lambda queue: 5 * 60 * SECOND if queue == "card-cmn" else 60 * SECOND,
        queues=lambda: ("card-cmn", "personal-cmn"),
    )
    made.node_came(NODE)
    lines = {queue: [queued(queue, queue, NOW)] for queue in ("card-cmn", "personal-cmn")}
    told = made.plan(lines, {"1001": seated()}, NOW + 11 * SECOND)
    said = {command.channel: command.minutes for command in told if isinstance(command, c.Announce)}
    assert said == {"PJSIP/trunk-card-cmn": 5, "PJSIP/trunk-personal-cmn": 1}


async def test_the_hands_count_how_every_command_ended() -> None:
    answers = iter([Reply(Outcome.DONE), Reply(Outcome.TIMED_OUT, why="late"), Reply(Outcome.UNKNOWN)])

    class FakeSender:
        async def send(self, _action: Action) -> Reply:
            return next(answers)

    failed: list[c.Command] = []
    hands = NodeHands(NODE, FakeSender(), lambda command, _how, _why: failed.append(command))
    channel = "PJSIP/d001-00000001"
    hands.perform([c.SetPause(NODE, "d001", paused=True, reason="meal"), c.HangUp(NODE, channel)])
    await hands.settled()
    await hands.ask(c.HangUp(NODE, channel))
    hands.perform([c.HangUp(NODE, "no channel of any kind")])
    await hands.settled()
    assert hands.outcomes == {
        ("SetPause", Outcome.DONE): 1,
        ("HangUp", Outcome.TIMED_OUT): 1,
        ("HangUp", Outcome.UNKNOWN): 1,
        ("HangUp", Outcome.REFUSED): 1,
    }
    assert len(failed) == 2


async def test_commands_that_keep_coming_are_not_waited_for() -> None:
    """Whoever stops a program on a busy floor would wait for ever."""
    gate = asyncio.Event()

    class FakeSender:
        async def send(self, _action: Action) -> Reply:
            await gate.wait()
            hands.perform([c.HangUp(NODE, channel)])
            gate.clear()
            return Reply(Outcome.DONE)

    channel = "PJSIP/d001-00000001"
    hands = NodeHands(NODE, FakeSender(), lambda *_: None)
    hands.perform([c.HangUp(NODE, channel)])
    for done in (1, 2):
        waiting = asyncio.create_task(hands.settled())
        await asyncio.sleep(0)  # it waits for what has been given so far
        gate.set()
        await asyncio.wait_for(waiting, 10)
        assert hands.outcomes["HangUp", Outcome.DONE] == done
    for task in tuple(hands._running):
        task.cancel()
