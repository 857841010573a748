"""The figures by name: what a reading of the board consists of. `docs/formulas.md` publishes every one.

Names tell units: `_ms` whole milliseconds; `sl10`, `sl20`, `sl`, rates and `occupancy` are fractions from
0 to 1, rounded to four digits; what has no value yet (nothing to divide by) is None. Instants are RFC 3339
in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

TOTAL = ""
"""The name under which the figures of all queues together go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """One queue, or all together (`queue` is TOTAL), today so far."""

    queue: str
    waiting: int
    longest_wait_ms: int
    longest_since: str | None
    offered: int
    answered: int
    answered_10: int
    answered_20: int
    answered_in_sl: int
    abandoned: int
    abandoned_5: int
    abandoned_10: int
    abandoned_later: int
    timed_out: int
    nobody_on_duty: int
    callback: int
    node_lost: int
    ended_by_us: int
    turned_away: int
    callback_unserved: int
    called_back: int
    called_back_mean_ms: int | None
    sl10: float | None
    sl20: float | None
    sl: float | None
    sl10_recent: float | None
    sl_recent: float | None
    offered_recent: int
    connection_rate: float | None
    answer_mean_ms: int | None
    answer_max_ms: int | None
    offers: int
    offers_unanswered: int
    ring_mean_ms: int | None
    talks: int
    agent_first: int
    wrapups: int
    talk_mean_ms: int | None
    hold_mean_ms: int | None
    consult_mean_ms: int | None
    wrapup_mean_ms: int | None
    handling_mean_ms: int | None
    occupancy: float | None
    on_duty: int
    ready: int
    surveys_asked: int
    surveys_answered: int
    satisfaction_mean: float | None
    solved_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """Calls as a whole: today's arrivals and ends, and where the open ones are."""

    arrived: int
    ended_in_menu: int
    in_progress: int
    in_menu: int
    talking: int
    outside: int
    in_survey: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A caller who waits. `caller` is masked."""

    call: str
    since: str
    caller: str
    language: str
    priority: int
    vip: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFigures:
    """One agent now, and today so far."""

    agent: str
    name: str
    name_en: str
    team: str
    state: str
    since: str | None
    reason: str
    on_duty: bool
    device: str
    device_lost: bool
    call: str
    queue: str
    help_since: str | None
    held_since: str | None
    asking_since: str | None
    unanswered: int
    answered: int
    occupancy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFigures:
    """One Asterisk as last heard of."""

    node: str
    connected: bool
    since: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GapFigures:
    """A stretch of today in which facts may be missing: the figures over it are not whole."""

    node: str
    since: str
    until: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgedFigures:
    """Who has taken an alarm upon himself. `name` is empty for a person the directory no longer has."""

    by: str
    name: str
    name_en: str
    since: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFigures:
    """An alarm that stands. `acknowledged`: None as long as it is nobody's."""

    alarm: str
    subject: str
    since: str
    detail: str
    acknowledged: AcknowledgedFigures | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFigures:
    """Everything the board shows at one instant."""

    total: QueueFigures
    calls: CallFigures
    queues: tuple[QueueFigures, ...]
    waiting: dict[str, tuple[Waiting, ...]]
    agents: tuple[AgentFigures, ...]
    nodes: tuple[NodeFigures, ...]
    gaps: tuple[GapFigures, ...]
    alarms: tuple[AlarmFigures, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFigures:
    """What was done with calls over one interval."""

    offers: int
    offers_unanswered: int
    ring_mean_ms: int | None
    talks: int
    agent_first: int
    wrapups: int
    talk_mean_ms: int | None
    hold_mean_ms: int | None
    consult_mean_ms: int | None
    wrapup_mean_ms: int | None
    handling_mean_ms: int | None
    surveys_asked: int
    surveys_answered: int
    satisfaction_mean: float | None
    solved_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueInterval(LegFigures):
    """One queue, or all that were asked for together (`queue` is TOTAL), from `start` until before `end`.

    `waiting`: who joined then and still waits.
    """

    start: str
    end: str
    queue: str
    waiting: int
    offered: int
    answered: int
    answered_10: int
    answered_20: int
    answered_in_sl: int
    abandoned: int
    abandoned_5: int
    abandoned_10: int
    abandoned_later: int
    timed_out: int
    nobody_on_duty: int
    callback: int
    node_lost: int
    ended_by_us: int
    turned_away: int
    callback_unserved: int
    called_back: int
    called_back_mean_ms: int | None
    sl10: float | None
    sl20: float | None
    sl: float | None
    connection_rate: float | None
    answer_mean_ms: int | None
    answer_max_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInterval(LegFigures):
    """One agent, or all that were asked for together (`agent` is TOTAL), from `start` until before `end`."""

    start: str
    end: str
    agent: str
    answered: int
    logged_in_ms: int
    ready_ms: int
    not_ready_ms: int
    reserved_ms: int
    ringing_ms: int
    talking_ms: int
    consulting_ms: int
    wrap_up_ms: int
    occupancy: float | None
