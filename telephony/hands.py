"""One node's adapter: it carries commands out, each once, and says how each ended.

The word that the node is lost comes with the node's stream (`telephony.ami.link.Lost`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from core.errors import HotlineError
from telephony import commands as c
from telephony.ami import actions, call_back_action, conference_actions, leader_actions
from telephony.ami.action import Action
from telephony.ami.pending import Outcome, Reply

_log = structlog.get_logger(__name__)

NOBODY = "-"
"""What the dialplan reads as nobody, or nowhere; an empty variable would be one that was never set."""
Sure = Callable[[], Awaitable[None]]
"""Returns once it is certain that no other program leads; raises if one does."""


class Sender(Protocol):
    """What carries an action to the node: `telephony.ami.NodeLink`."""

    async def send(self, action: Action) -> Reply: ...


class SureSender:
    """A sender that first makes sure that this program leads.

    Nothing is awaited between that and the sending. What another program has to say now is refused here.
    """

    def __init__(self, sender: Sender, sure: Sure) -> None:
        self._sender = sender
        self._sure = sure

    async def send(self, action: Action) -> Reply:
        """How it ended."""
        try:
            await self._sure()
        except HotlineError as problem:
            return Reply(Outcome.REFUSED, why=str(problem))
        return await self._sender.send(action)


class NodeHands:
    """Carries commands out in the order given, without waiting for one before sending the next.

    `on_failure` hears of every command that was not done (guarantee 5): it is logged here, never repeated.
    `outcomes` counts how commands of each kind have ended.
    """

    def __init__(
        self, node: str, sender: Sender, on_failure: Callable[[c.Command, Outcome, str], None]
    ) -> None:
        self.node = node
        self._sender = sender
        self._on_failure = on_failure
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()
        self._running: set[asyncio.Task[None]] = set()

    def perform(self, commands: Sequence[c.Command]) -> None:
        """Send them; the replies are seen to in the background."""
        for command in commands:
            task = asyncio.get_running_loop().create_task(self._one(command))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def ask(self, command: c.Command) -> Reply:
        """Send one and wait for how it ended."""
        reply = await self._sender.send(action_of(command))
        self._count(command, reply.outcome)
        return reply

    async def settled(self) -> None:
        """Returns when every command given so far has ended; on a busy node there are always more."""
        if self._running:
            await asyncio.wait(set(self._running))

    async def _one(self, command: c.Command) -> None:
        try:
            action = action_of(command)
        except HotlineError as problem:
            self._failed(command, Outcome.REFUSED, str(problem))
            return
        reply = await self._sender.send(action)
        if reply.done or _already_so(command, reply):
            self._count(command, Outcome.DONE)
        else:
            self._failed(command, reply.outcome, reply.why)

    def _count(self, command: c.Command, outcome: Outcome) -> None:
        self.outcomes[type(command).__name__, outcome] += 1

    def _failed(self, command: c.Command, outcome: Outcome, why: str) -> None:
        self._count(command, outcome)
        _log.warning(
            "telephony.command_not_done",
            node=self.node,
            command=type(command).__name__,
            outcome=outcome.value,
            why=why,
        )
        self._on_failure(command, outcome, why)


def _already_so(command: c.Command, reply: Reply) -> bool:
    """Asterisk refuses to add who is there, or to hang up what is gone: both are as wished."""
    text = (reply.message.get("Message") or "") if reply.message is not None else ""
    match command:
        case c.AddMember():
            return "Already there" in text
        case c.RemoveMember():
            return "Not there" in text
        case c.HangUp() | c.Silence() | c.Leave() | c.ChangePriority() | c.SendToSurvey():
            return "No such channel" in text or "not found" in text.lower()
        case _:
            return False


def action_of(command: c.Command) -> Action:  # noqa: PLR0911, PLR0912 - one line for each command
    """The one AMI action a command stands for; `BadInput` if a name in it has the wrong shape."""
    match command:
        case c.AddMember():
            paused = bool(command.paused)
            return actions.queue_add(
                command.queue,
                command.device,
                command.agent,
                command.penalty,
                paused=paused,
                reason=command.paused,
            )
        case c.RemoveMember():
            return actions.queue_remove(command.queue, command.device)
        case c.SetPause():
            return actions.queue_pause(command.device, paused=command.paused, reason=command.reason)
        case c.SetPenalty():
            return actions.queue_penalty(command.queue, command.device, command.penalty)
        case c.PublishDuty():
            return actions.set_global(duty_variable(command.queue), command.count)
        case c.PublishAgentAt():
            return actions.set_global(f"AGENT_{command.device.upper()}", command.agent or NOBODY)
        case c.PublishDeviceOf():
            return actions.set_global(f"DEVICE_{command.agent}", command.device or NOBODY)
        case c.SendToSurvey():
            return actions.to_survey(command.channel)
        case c.Offer():
            return actions.to_agent(command.channel, command.agent)
        case c.Revoke():
            return actions.to_wait_on(command.channel)
        case c.Requeue():
            return actions.to_queue_again(command.channel, command.queue)
        case c.HangUp():
            return actions.hangup(command.channel, command.cause)
        case c.Announce():
            return actions.announce(
                command.channel, command.position, command.minutes, command.id, offer=command.offer
            )
        case c.Silence():
            return actions.hangup_announcement(command.id)
        case c.Join():
            return leader_actions.to_leader(command.joining)
        case c.ChangeMode():
            return leader_actions.leader_mode(command.presence, command.mode)
        case c.Confer():
            return conference_actions.to_conference(command.gathering)
        case c.TakeOver():
            return leader_actions.to_taker(command.channel, command.leader)
        case c.EndCall():
            return leader_actions.to_the_end(command.channel, harassment=command.harassment)
        case c.Leave():
            return leader_actions.hangup_leader(command.presence)
        case c.CallCustomer():
            return actions.call_out(command.device, command.leg, command.call, command.number)
        case c.CallCustomerFirst():
            return call_back_action.to_customer(command.calling)
        case c.LookAtList():
            return call_back_action.on_the_list(command.number)
        case c.LookAtPhone():
            return actions.device_state(command.device)
        case c.ChangePriority():
            return actions.queue_caller_priority(command.queue, command.channel, command.priority)
        case _:
            raise NotImplementedError(f"no action carries out {type(command).__name__}")


def duty_variable(queue: str) -> str:
    """The global variable in which the dialplan finds how many are on duty for a queue."""
    return "ONDUTY_" + queue.replace("-", "_")
