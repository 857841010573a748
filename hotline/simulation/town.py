"""A town of simulated people for one node: telephones on the agents' desks, and customers who call.

Every telephone is one SIPp among a few kinds; devices register at the one of their kind. Customers come in
kinds too, each its own SIPp with its share of the calls.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from hotline.simulation.scripts import (
    Customer,
    Dtmf,
    Key,
    Pause,
    Phone,
    customer,
    injection,
    phone,
    registration,
)
from hotline.simulation.sipp import Counts, Load, Place, Sipp
from telephony.instance import Programs

PHONE_ADDRESS, CUSTOMER_ADDRESS = "127.0.0.1", "127.0.0.3"
_TALKS_MS = (6_000, 9_000, 14_000)
_RING_MS = 900
_MEDIA_PORTS = 40
_SURVEY = (Pause(2_500), Key("5"), Pause(2_500), Key("1"))


@dataclass(frozen=True, slots=True)
class Kind:
    """`share` of all calls are made by customers of this kind."""

    share: int
    script: Customer


def _menu(*keys: str) -> tuple[Pause | Key, ...]:
    return tuple(step for key in keys for step in (Pause(900), Key(key)))


def _rater(name: str, share: int, keys: Sequence[str], talk_ms: int) -> Kind:
    steps = (*_menu(*keys), Pause(_RING_MS + talk_ms), *_SURVEY)
    return Kind(share, Customer(name, steps=steps, caller=None, dtmf=Dtmf.INFO))


# A customer cannot hear when the survey begins, so raters wait out the talk of the telephones' middle kind.
KINDS = (
    _rater("card", 34, ("1", "2", "1"), _TALKS_MS[1]),
    _rater("personal", 26, ("1", "1", "1"), _TALKS_MS[0]),
    _rater("corporate", 8, ("1", "3", "1"), _TALKS_MS[1]),
    _rater("loss", 6, ("5",), _TALKS_MS[0]),
    _rater("english", 6, ("3", "2", "1"), _TALKS_MS[1]),
    Kind(8, Customer("leaves", steps=(*_menu("1", "2", "1"), Pause(20_000)), hang_up=True, caller=None)),
    Kind(6, Customer("impatient", steps=(*_menu("1", "1", "1"), Pause(500)), hang_up=True, caller=None)),
    Kind(6, Customer("menu-only", steps=(*_menu("1"), Pause(2_000)), hang_up=True, caller=None)),
)


class Town:
    """`remote`: where the node takes calls; `first_port`: the first of 20 that SIPp may use.

    `voices`: what agents and what customers say, raw A-law files.
    """

    def __init__(
        self,
        programs: Programs,
        folder: Path,
        *,
        remote: str,
        first_port: int,
        media: int,
        voices: tuple[Path | None, Path | None] = (None, None),
    ) -> None:
        self._programs = programs
        self._folder = folder
        self._remote = remote
        self._ports = count(first_port)
        self._media = count(media, _MEDIA_PORTS)
        self._agents_voice, self._customers_voice = voices
        self._phones: list[Sipp] = []
        self._customers: list[Sipp] = []
        self.numbers: set[str] = set()
        """Every number a customer may call from."""

    async def install_phones(self, secrets: Mapping[str, str]) -> None:
        """Telephones for these devices, registered. `secrets`: device → SIP secret."""
        for nth, talk_ms in enumerate(_TALKS_MS):
            devices = [device for at, device in enumerate(secrets) if at % len(_TALKS_MS) == nth]
            if not devices:
                continue
            voice = self._agents_voice
            # Who talks longest looks something up meanwhile, for a third of the talk.
            third = talk_ms // 3
            hold, rest = ((third, third), third) if talk_ms == max(_TALKS_MS) else (None, talk_ms)
            kind = Phone(f"talks-{talk_ms}", answer_ms=_RING_MS, talk_ms=rest, hold=hold, voice=voice)
            script = phone(kind)
            one = self._sipp(f"phones-{nth}", script, PHONE_ADDRESS, None)
            await one.start()
            self._phones.append(one)
            rows = injection([(device, secrets[device], str(one.port), "3600") for device in devices])
            load = Load(calls=len(devices), rate=50, injected=rows)
            register = self._sipp(f"register-{nth}", registration(), PHONE_ADDRESS, load)
            await register.start()
            await register.done(20)

    async def open_lines(self, calls_per_minute: float, *, chance: random.Random) -> None:
        """Customers begin to call, each kind by its share, until `close_lines`."""
        whole = sum(kind.share for kind in KINDS)
        for kind in KINDS:
            numbers = [f"1{chance.randrange(30, 90) * 10**8 + n:010d}" for n in range(500)]
            self.numbers.update(numbers)
            rate = calls_per_minute / 60 * kind.share / whole
            load = Load(calls=None, rate=rate, injected=injection([(number,) for number in numbers]))
            script = customer(replace(kind.script, voice=self._customers_voice))
            one = self._sipp(kind.script.name, script, CUSTOMER_ADDRESS, load)
            await one.start()
            self._customers.append(one)

    async def close_lines(self, patience_s: float) -> Counts:
        """No new calls; those in progress may take `patience_s` to end. What the customers counted."""
        total = Counts()
        for one in self._customers:
            one.no_more()
        for one in self._customers:
            total += await one.stop(patience_s)
        self._customers.clear()
        return total

    async def leave(self) -> None:
        """Everyone hangs up and goes."""
        for one in (*self._customers, *self._phones):
            await one.stop(0.2)
        self._customers.clear()
        self._phones.clear()

    def _sipp(self, name: str, scenario: str, ip: str, load: Load | None) -> Sipp:
        media = next(self._media)
        place = Place(
            remote=self._remote,
            ip=ip,
            port=next(self._ports),
            media=media,
            media_last=media + _MEDIA_PORTS - 2,
        )
        return Sipp(self._programs.sipp, self._folder, name, scenario=scenario, place=place, load=load)
