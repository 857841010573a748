"""Every action we ever send, as a builder of its own; nothing else is sent.

Names pass `core.names`, so that no value from outside reaches a header unchecked (guarantee 6). Contexts and
extensions are those of our own dialplan, written here; none comes from outside.
"""

from __future__ import annotations

import re

from core.causes import NORMAL_CLEARING
from core.clock import SECOND, Duration
from core.errors import BadInput
from core.names import check
from telephony.ami.action import ANSWER_WITHIN, LIST_WITHIN, Action, list_until

OUR_VARIABLES = (
    "CALL_ID",
    "JOINED_US",
    "CALL_LANG",
    "CALL_VIP",
    "CALL_QUEUE",
    "LEG_FILE",
    "SURVEY_SENT",
    "OUT_LEG",
)
"""By these our dialplan knows, on each of a call's channels, which call it is and how far it has come."""

_GLOBAL_NAME = re.compile(r"[A-Z][A-Za-z_0-9]{0,63}")
_GLOBAL_VALUE = re.compile(r"[A-Za-z0-9_.:-]{0,64}")
_ANNOUNCEMENT = re.compile(r"announce-[0-9a-z]{1,32}")
_RING_AGENT_MS = 20_000
_MUTE_DIRECTIONS = frozenset({"read", "write", "both"})


def _flag(value: bool) -> str:
    return "true" if value else "false"


# ------------------------------------------------------------------ the session itself


def login(username: str, secret: str, events: str) -> Action:
    """`events`: `off`, or the read classes wanted (`call,agent,user,system`)."""
    return Action("Login", (("Username", username), ("Secret", secret), ("Events", events)))


def ping(deadline: Duration = ANSWER_WITHIN) -> Action:
    """Is anybody there; the reply carries the node's own time."""
    return Action("Ping", deadline=deadline)


def logoff() -> Action:
    """A polite end; Asterisk answers Goodbye and closes."""
    return Action("Logoff", deadline=SECOND)


# ------------------------------------------------------------------ agents in queues (needs: agent)


def _interface(device: str) -> str:
    return "PJSIP/" + check("device", device, "device")


def queue_add(queue: str, device: str, agent: str, penalty: int, *, paused: bool, reason: str = "") -> Action:
    """Makes `agent` on `device` a member of `queue`; refused by Asterisk if already there."""
    headers = [
        ("Queue", check("queue", queue, "queue")),
        ("Interface", _interface(device)),
        ("MemberName", check("staff", agent, "agent")),
        ("StateInterface", _interface(device)),
        ("Penalty", str(_penalty(penalty))),
        ("Paused", _flag(paused)),
    ]
    if reason:
        headers.append(("Reason", check("reason", reason, "reason")))
    return Action("QueueAdd", tuple(headers))


def queue_remove(queue: str, device: str) -> Action:
    """Takes the member out; refused if not there."""
    return Action(
        "QueueRemove", (("Queue", check("queue", queue, "queue")), ("Interface", _interface(device)))
    )


def queue_pause(device: str, *, paused: bool, reason: str = "", queue: str | None = None) -> Action:
    """Pauses or unpauses in one queue, or in all at once. A repetition is accepted and repeats its event."""
    headers = [("Interface", _interface(device)), ("Paused", _flag(paused))]
    if queue is not None:
        headers.append(("Queue", check("queue", queue, "queue")))
    if reason:
        headers.append(("Reason", check("reason", reason, "reason")))
    return Action("QueuePause", tuple(headers))


def queue_penalty(queue: str, device: str, penalty: int) -> Action:
    """Sets the member's penalty in one queue (0: first choice)."""
    name = check("queue", queue, "queue")
    return Action(
        "QueuePenalty",
        (("Interface", _interface(device)), ("Penalty", str(_penalty(penalty))), ("Queue", name)),
    )


def _penalty(penalty: int) -> int:
    if not 0 <= penalty <= 99:
        raise BadInput("penalty", f"{penalty} is not between 0 and 99")
    return penalty


# ------------------------------------------------------------------ callers (needs: call)


def queue_caller_priority(queue: str, channel: str, priority: int) -> Action:
    """Ageing: the waiting caller's new priority, at once in effect. (Needs no right at all.)"""
    if not 0 <= priority <= 10_000:
        raise BadInput("priority", f"{priority} is not between 0 and 10000")
    headers = (
        ("Queue", check("queue", queue, "queue")),
        ("Caller", check("channel", channel, "channel")),
        ("Priority", str(priority)),
        ("Immediate", "true"),
    )
    return Action("QueueChangePriorityCaller", headers)


def _redirect(channel: str, context: str, exten: str) -> Action:
    headers = (
        ("Channel", check("channel", channel, "channel")),
        ("Context", context),
        ("Exten", exten),
        ("Priority", "1"),
    )
    return Action("Redirect", headers)


def to_survey(channel: str) -> Action:
    """Sends a customer's channel on to the survey; an agent talking with it is released."""
    return _redirect(channel, "hotline-survey", "s")


def to_agent(channel: str, agent: str) -> Action:
    """Offers a waiting customer to one agent, wherever he sits; not taken, the customer waits on."""
    return _redirect(channel, "hotline-offered", check("staff", agent, "agent"))


def to_wait_on(channel: str) -> Action:
    """Takes a customer out of an offer: he waits on in his queue, with the time of first joining kept."""
    return _redirect(channel, "hotline-wait", "s")


def to_queue_again(channel: str, queue: str) -> Action:
    """Lets a customer's channel wait (again) in `queue`; the dialplan keeps the time of first joining."""
    return _redirect(channel, "hotline-queue", check("queue", queue, "queue"))


def hangup(channel: str, cause: int = NORMAL_CLEARING) -> Action:
    """Ends one channel, named as Asterisk names it. `cause`: Q.850."""
    if not 1 <= cause <= 127:
        raise BadInput("cause", f"{cause} is not a Q.850 cause")
    return Action("Hangup", (("Channel", check("channel", channel, "channel")), ("Cause", str(cause))))


def mix_monitor_mute(channel: str, direction: str, *, muted: bool) -> Action:
    """Silences the recording; `direction` as the channel sees it: read (what it says), write, both."""
    if direction not in _MUTE_DIRECTIONS:
        raise BadInput("direction", f"{direction[:40]!r} is not one of {sorted(_MUTE_DIRECTIONS)}")
    headers = (
        ("Channel", check("channel", channel, "channel")),
        ("Direction", direction),
        ("State", "1" if muted else "0"),
    )
    return Action("MixMonitorMute", headers)


def set_global(name: str, value: str | int) -> Action:
    """Sets a *global* dialplan variable, gone when Asterisk restarts; never a function or a channel's."""
    text = str(value)
    if not _GLOBAL_NAME.fullmatch(name):
        raise BadInput(
            "variable", f"{name[:60]!r} is not the name of a global variable ({_GLOBAL_NAME.pattern})"
        )
    if not _GLOBAL_VALUE.fullmatch(text):
        raise BadInput(name, f"{text[:60]!r} is not a plain value ({_GLOBAL_VALUE.pattern})")
    return Action("Setvar", (("Variable", name), ("Value", text)))


# ------------------------------------------------------------------ announcements (needs: originate)


def announce(
    waiting_channel: str, position: int, minutes: int, call_number: str, *, offer: bool = False
) -> Action:
    """Tells a waiting caller place and wait without taking them out of the queue (CALL-03, facts §6).

    One half of a Local channel plays the text (`play@hotline-announce`), the other whispers it
    (`spy@hotline-announce`); both find ANNOUNCE_TO, ANNOUNCE_POSITION and ANNOUNCE_MINUTES set.
    `call_number`: an id of ours; the halves get the Uniqueids `<id>-1` and `<id>-2`, by which
    `hangup_announcement` ends them. `offer`: the caller hears how to be called back, too. Async: the reply
    says only that it was begun.
    """
    if not 1 <= position <= 999:
        raise BadInput("position", f"{position} is not between 1 and 999")
    if not 0 <= minutes <= 180:
        raise BadInput("minutes", f"{minutes} is not between 0 and 180")
    number = _announcement(call_number)
    headers = (
        ("Channel", "Local/play@hotline-announce/n"),
        ("Context", "hotline-announce"),
        ("Exten", "spy"),
        ("Priority", "1"),
        ("Timeout", "3000"),
        ("Async", "true"),
        ("ChannelId", f"{number}-1"),
        ("OtherChannelId", f"{number}-2"),
        ("Variable", f"__ANNOUNCE_TO={check('channel', waiting_channel, 'channel')}"),
        ("Variable", f"__ANNOUNCE_POSITION={position}"),
        ("Variable", f"__ANNOUNCE_MINUTES={minutes}"),
        ("Variable", f"__ANNOUNCE_OFFER={int(offer)}"),
    )
    return Action("Originate", headers)


def hangup_announcement(call_number: str) -> Action:
    """Ends an announcement that is being made; Hangup finds a channel by its Uniqueid too.

    The half that plays, which is silent at once. The one that whispers hears no hang-up while its customer is
    in a bridge (measured, 22.10.1): to end that one alone let the voice play on into the talk.
    """
    return Action("Hangup", (("Channel", f"{_announcement(call_number)}-2"), ("Cause", str(NORMAL_CLEARING))))


def _announcement(call_number: str) -> str:
    if not _ANNOUNCEMENT.fullmatch(call_number):
        raise BadInput("announcement", f"{call_number[:60]!r} is not announce-<letters and digits>")
    return call_number


# ------------------------------------------------------------------ calls that we make (needs: originate)


def call_out(device: str, leg: str, call: str, number: str) -> Action:
    """Rings the agent's device; when it is picked up, `hotline-outgoing` dials the customer.

    `leg`: the Uniqueid that the agent's channel gets. Which trunk it is, what the customer sees and which
    numbers may be dialled at all stands in the dialplan. Async: the reply says only that it was begun.
    """
    headers = (
        ("Channel", _interface(device)),
        ("Context", "hotline-outgoing"),
        ("Exten", "s"),
        ("Priority", "1"),
        ("Timeout", str(_RING_AGENT_MS)),
        ("Async", "true"),
        ("ChannelId", check("leg", leg, "leg")),
        ("CallerID", "<95559>"),
        ("Variable", f"__CALL_ID={check('call', call, 'call')}"),
        ("Variable", f"__OUT_LEG={leg}"),
        ("Variable", f"OUT_TO={check('dialled', number, 'number')}"),
        ("Variable", f"PJSIP_HEADER(add,X-Hotline-Call)={call}"),
    )
    return Action("Originate", headers)


def device_state(device: str) -> Action:
    """Whether anybody talks at this telephone, or it rings: `Value` is NOT_INUSE where neither is so.

    Originate asks nobody: a telephone that takes a second call rings in the middle of the first.
    """
    return Action("Getvar", (("Variable", f"DEVICE_STATE({_interface(device)})"),))


# ------------------------------------------------------------------ looking (needs: reporting, or nothing)


def queue_status(queue: str) -> Action:
    """One queue's parameters, members and callers. Locks the queue meanwhile: one at a time."""
    name = check("queue", queue, "queue")
    return Action("QueueStatus", (("Queue", name),), list_until("QueueStatusComplete"), LIST_WITHIN)


def queue_summary(queue: str) -> Action:
    """One queue's counts: logged in, available, callers, longest hold time."""
    name = check("queue", queue, "queue")
    return Action("QueueSummary", (("Queue", name),), list_until("QueueSummaryComplete"), LIST_WITHIN)


def core_show_channels() -> Action:
    """Every channel with its place in the dialplan and its bridge."""
    return Action("CoreShowChannels", (), list_until("CoreShowChannelsComplete"), LIST_WITHIN)


def channel_status() -> Action:
    """Every channel, with the variables by which our own dialplan knows its call."""
    headers = (("Variables", ",".join(OUR_VARIABLES)),)
    return Action("Status", headers, list_until("StatusComplete"), LIST_WITHIN)


def device_states() -> Action:
    """Every device's state; which phones are registered. (The lists of PJSIP itself would need `system`.)"""
    return Action("DeviceStateList", (), list_until("DeviceStateListComplete"), LIST_WITHIN)


def core_status() -> Action:
    """When Asterisk was started and loaded, and how many calls it has."""
    return Action("CoreStatus")


def core_settings() -> Action:
    """Version and system name."""
    return Action("CoreSettings")
