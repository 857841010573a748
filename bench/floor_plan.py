"""What the bench `floor` plays, as data: kinds of telephones and of customers (tests/load/floor.yaml)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import yaml
from msgspec import Struct

from bench.floor_seed import desk_seats
from core.errors import BadInput
from hotline.simulation.scripts import Customer, Dtmf, Key, Pause, Phone

FILE = Path(__file__).parents[1] / "tests" / "load" / "floor.yaml"


class Telephone(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A kind of telephone; `answer_ms` None: it rings until somebody gives up."""

    name: str
    share: int = 1
    answer_ms: int | None = None
    talk_ms: int | None = None
    hold: tuple[int, int] | None = None
    transfer_to: str | None = None
    refuse: int | None = None

    def script(self) -> Phone:
        """What SIPp is to play."""
        return Phone(
            self.name,
            answer_ms=self.answer_ms,
            talk_ms=self.talk_ms,
            hold=self.hold,
            transfer_to=self.transfer_to,
            refuse=self.refuse,
        )


class Caller(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A kind of customer. `steps`: pauses in ms and keys; `score`: the one keyed in the survey, 0 if none."""

    name: str
    share: int
    steps: tuple[int | str, ...]
    hang_up: bool = False
    score: int = 0

    def script(self) -> Customer:
        """What SIPp is to play; the number comes from the injected file."""
        steps = tuple(Key(step) if isinstance(step, str) else Pause(step) for step in self.steps)
        return Customer(self.name, steps=steps, hang_up=self.hang_up, caller=None, dtmf=Dtmf.INFO)


class FloorPlan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`rate`: new calls a second for `seconds`; `agents`: as many telephones with an agent each, the last
    `desk` of them, all of the first kind, in a queue of their own. `called`: what customers do whom we call,
    and whoever is outside."""

    rate: float
    seconds: float
    agents: int
    desk: int
    called: Telephone
    telephones: tuple[Telephone, ...]
    customers: tuple[Caller, ...]

    def kind_of_seat(self, seat: int) -> int:
        """The kind of telephone (its place in the list) at seat number `seat`, from 1 on."""
        if seat in desk_seats(self.agents, self.desk):
            return 0
        return _spread([kind.share for kind in self.telephones], self.agents)[seat - 1]


def read_plan(file: Path = FILE) -> FloorPlan:
    """The plan in `file`; `BadInput` says what is wrong with it."""
    try:
        plan = msgspec.convert(yaml.safe_load(file.read_text(encoding="utf-8")), FloorPlan)
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as problem:
        raise BadInput(file.name, f"is no plan of a floor: {problem}") from problem
    if not plan.telephones or not plan.customers or min(plan.rate, plan.seconds, plan.agents) <= 0:
        raise BadInput(file.name, "names no telephones, no customers, or no rate, time and agents above 0")
    if not 0 <= plan.desk < plan.agents:
        raise BadInput(file.name, f"desk: {plan.desk} of {plan.agents} agents is not some of them")
    if any(kind.share <= 0 for kind in (*plan.telephones, *plan.customers)):
        raise BadInput(file.name, "every share has to be above 0")
    return plan


def _spread(shares: Sequence[int], places: int) -> list[int]:
    """For each place a kind, so that any run of places has about its shares of each."""
    due, whole = [0.0] * len(shares), sum(shares)
    kinds = []
    for _ in range(places):
        due = [owed + share / whole for owed, share in zip(due, shares, strict=True)]
        kind = max(range(len(shares)), key=due.__getitem__)
        due[kind] -= 1
        kinds.append(kind)
    return kinds
