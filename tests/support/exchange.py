"""A whole exchange for one test: a rendered node, its own Asterisk, telephones and customers by SIPp.

No service runs: what works here works when the service is dead.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from core.names import LANGUAGES
from hotline.simulation.rtp_keys import write_keys
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
from hotline.simulation.sipp import Load, Place, Sipp
from ivr.compile import compile_flow
from ivr.load import read_flow
from ivr.model import Surroundings
from ivr.prompts import read_catalogue
from ivr.publish import publish
from telephony import instance
from telephony.ami.actions import announce
from telephony.nodefiles import TEMPLATES, write_node
from telephony.nodespec import (
    AccountSpec,
    AgentSpec,
    DeviceSpec,
    MembershipSpec,
    NodeSpec,
    QueueSpec,
    ReasonSpec,
    TrunkSpec,
)
from tests.support import dialogues
from tests.support.ami_tap import AmiTap
from tests.support.ports import own
from tests.support.tones import write_tone

SECRET = "tap-secret-95559"
PORTS = own()
NODE_SOUND, PEOPLE_SOUND = PORTS.sound[:400], PORTS.sound[400:]
_SOUND_EACH = 10
CALLED = PORTS.people[-1]
"""Where the telephones of customers are whom we call, whatever their number."""
BUSINESSES = ("personal", "card", "corporate", "complaints", "loss", "operator")
TO_CARD = (Pause(250), Key("1"), Pause(250), Key("2"), Pause(250), Key("1"))
"""Keys through the flow that ships: Mandarin, credit card, statements."""
SALT = "saltsalt"


def queues(**changes: int) -> tuple[QueueSpec, ...]:
    """The hotline's queues, all with the same `changes`."""
    return tuple(
        QueueSpec(
            name=f"{business}-{language}",
            weight=10 if business == "loss" else 1,
            priority=20 if business == "loss" else 0,
            **changes,
        )
        for business in BUSINESSES
        for language in LANGUAGES
    )


def agent(staff: str, pin: str, *seats: tuple[str, int]) -> AgentSpec:
    """An agent who may log in by star code."""
    return AgentSpec(
        staff=staff,
        pin_salt=SALT,
        pin_hash=hashlib.sha1(f"{SALT}{pin}".encode(), usedforsecurity=False).hexdigest(),
        memberships=tuple(MembershipSpec(queue=queue, penalty=penalty) for queue, penalty in seats),
    )


def node_spec(directory: Path, programs: instance.Programs, port: int = PORTS.sip) -> NodeSpec:
    """A node with every queue, eight telephones and three agents."""
    return NodeSpec(
        name="node1",
        directory=directory,
        modules=programs.modules,
        data=programs.data,
        sip_port=port,
        ami_port=port + 1,
        rtp_first=NODE_SOUND[0],
        rtp_last=NODE_SOUND[-1],
        trunks=(
            TrunkSpec(name="trunk", addresses=("127.0.0.2/32",), host=f"127.0.0.2:{CALLED}", shown="95559"),
            TrunkSpec(name="trunkinfo", addresses=("127.0.0.3/32",), dtmf="info"),
        ),
        devices=tuple(DeviceSpec(name=f"d{n:03}", secret=f"phone-secret-{n:03}") for n in range(1, 9)),
        queues=queues(),
        agents=(
            agent("8001", "1357", ("card-cmn", 0), ("loss-cmn", 0), ("personal-cmn", 10)),
            agent("8002", "2468", ("card-cmn", 10)),
        ),
        reasons=(ReasonSpec(code="meal", digit=1), ReasonSpec(code="meeting", digit=2)),
        accounts=(
            AccountSpec(
                name="tap",
                secret=SECRET,
                read=("call", "agent", "user", "system", "reporting"),
                write=("call", "agent", "originate", "reporting"),
            ),
        ),
        vips=("13900000001",),
        colleagues=("8001", "8002", "8003"),
        outside=("110",),
        quiet=False,
        survey_wait_s=2,
    )


class Exchange:
    """One running node with what a test needs around it."""

    def __init__(self, spec: NodeSpec, programs: instance.Programs, folder: Path) -> None:
        self.spec = spec
        self.tap = AmiTap()
        self.folder = folder
        self.asterisk = instance.AsteriskInstance(spec.directory, programs)
        self._programs = programs
        self._ports = cycle(PORTS.people[:-1])
        self._media = cycle(PEOPLE_SOUND[::_SOUND_EACH])
        self._running: list[Sipp] = []

    async def start(self) -> None:
        """Render, boot, listen."""
        write_node(self.spec)
        self._publish_flow()
        await self.boot()

    async def boot(self) -> None:
        """(Re)start Asterisk on what is rendered and listen to it."""
        await self.asterisk.start()
        await self.tap.connect(self.spec.ami_port, "tap", SECRET)

    def _publish_flow(self) -> None:
        catalogue = read_catalogue(TEMPLATES / "prompts" / "catalogue.yaml")
        around = Surroundings(
            prompts=catalogue.names,
            queues=frozenset(queue.name for queue in self.spec.queues),
            languages=frozenset(LANGUAGES),
        )
        flow = read_flow(TEMPLATES.parent / "ivr" / "flows" / "95559.yaml", around)
        publish(compile_flow(flow), self.spec.directory / "etc" / "ivr-95559.conf")
        prompts = self.spec.directory / "prompts"
        # Short tones instead of voices: the same dialplan, a tenth of the time.
        write_tone(prompts / "music-on-hold.wav", 300, 2.0)
        spoken = write_tone(prompts / "tone.wav", 500, 0.15)
        for language in LANGUAGES:
            (prompts / language).mkdir(exist_ok=True)
            for name in catalogue.names:
                os.link(spoken, prompts / language / f"{name}.wav")

    async def close(self) -> None:
        """End everything that was started."""
        for sipp in self._running:
            await sipp.stop(deadline=0.2)
        await self.asterisk.stop()
        await self.tap.close()

    async def hang_up_all(self) -> None:
        """End every call, then every customer and telephone."""
        await self.asterisk.cli("channel request hangup all")
        for sipp in self._running:
            await sipp.stop(deadline=0.2)
        self._running.clear()

    def _place(self, ip: str) -> Place:
        media = next(self._media)
        return Place(
            remote=f"127.0.0.1:{self.spec.sip_port}",
            ip=ip,
            port=next(self._ports),
            media=media,
            media_last=media + _SOUND_EACH - 2,
        )

    async def _sipp(
        self, name: str, scenario: str, ip: str, load: Load | None, *, echo: bool = False, port: int = 0
    ) -> tuple[Sipp, Place]:
        place = replace(self._place(ip), echo=echo)
        place = replace(place, port=port or place.port)
        sipp = Sipp(
            self._programs.sipp,
            self.folder,
            f"{name}-{place.port}",
            scenario=scenario,
            place=place,
            load=load,
        )
        await sipp.start()
        self._running.append(sipp)
        return sipp, place

    async def phone(self, device: str, script: Phone | None = None) -> Sipp:
        """A telephone that behaves like `script`, registered and known to be there."""
        sipp, place = await self._sipp(device, phone(script or Phone("phone")), "127.0.0.1", None)
        await self.register(device, place.port)
        return sipp

    async def called(self, script: Phone) -> Sipp:
        """The telephone of every customer whom we call."""
        sipp, _ = await self._sipp(script.name, phone(script), "127.0.0.2", None, port=CALLED)
        return sipp

    async def register(self, device: str, port: int, seconds: int = 3600) -> None:
        """Register `device` at `port`, wait until Asterisk takes it for reachable."""
        since = len(self.tap.heard)
        assert await self.registers(device, port, seconds)
        status = "Reachable" if seconds else "Removed"
        await self.tap.wait_for("ContactStatus", after=since, AOR=device, ContactStatus=status)

    async def registers(self, device: str, port: int, seconds: int = 3600, source: str = "127.0.0.1") -> bool:
        """Whether Asterisk takes a REGISTER with the device's secret that comes from `source`."""
        secret = next(d.secret for d in self.spec.devices if d.name == device)
        rows = injection([(device, secret, str(port), str(seconds))])
        sipp, _ = await self._sipp(f"register-{device}", registration(), source, Load(rate=10, injected=rows))
        counts = await sipp.done(60)
        assert counts.created == 1, sipp.errors()
        return counts.succeeded == 1

    async def member(self, device: str, staff: str, queue: str = "card-cmn", penalty: int = 0) -> None:
        """Log an agent in, as the service does."""
        reply = await self.tap.action(
            "QueueAdd", Queue=queue, Interface=f"PJSIP/{device}", Penalty=str(penalty), MemberName=staff
        )
        assert reply["Response"] == "Success", reply

    async def sits(self, device: str, staff: str) -> None:
        """Tell the dialplan who sits there, as the service does."""
        for name, value in ((f"AGENT_{device.upper()}", staff), (f"DEVICE_{staff}", device)):
            reply = await self.tap.action("Setvar", Variable=name, Value=value)
            assert reply["Response"] == "Success", reply

    async def pause(self, device: str, reason: str = "meal", paused: bool = True) -> None:
        """Pause or unpause an agent in all queues, as the service does."""
        reply = await self.tap.action(
            "QueuePause", Interface=f"PJSIP/{device}", Paused=str(paused).lower(), Reason=reason
        )
        assert reply["Response"] == "Success", reply

    async def announce(self, channel: str, name: str) -> None:
        """Tell a customer who waits the place and the wait, as the service does; `name`: of the order."""
        words = announce(channel, 3, 2, name)
        self.tap.note("an announcement begins")
        await self.tap.action(words.name, *words.headers)

    async def call(
        self,
        *steps: Pause | Key,
        hang_up: bool = False,
        number: str = "02154321000",
        name: str = "customer",
        voice: Path | None = None,
        dtmf: Dtmf = Dtmf.INFO,
        echo: bool = False,
    ) -> Sipp:
        """A customer who calls, keys, and then hangs up or waits for the end."""
        script = Customer(name, steps=steps, hang_up=hang_up, caller=number, dtmf=dtmf, voice=voice)
        self.tap.note(f"{name} calls 95559 from {number}")
        pcaps = write_keys(script, self.folder / f"{name}-keys") if dtmf is Dtmf.RTP else None
        ip = "127.0.0.2" if dtmf is Dtmf.RTP else "127.0.0.3"
        sipp, _ = await self._sipp(name, customer(script, dtmf_pcaps=pcaps), ip, Load(rate=10), echo=echo)
        return sipp

    async def dial(self, device: str, number: str, *steps: Pause | Key, hang_up: bool = False) -> Sipp:
        """A telephone of ours dials, keys by SIP INFO, then hangs up or waits to be hung up on."""
        secret = next(d.secret for d in self.spec.devices if d.name == device)
        self.tap.note(f"{device} dials {number}")
        script = Customer("phone", steps=steps, hang_up=hang_up, number=number, caller=device, secret=secret)
        sipp, _ = await self._sipp(f"{device}-dials", customer(script), "127.0.0.1", Load(rate=10))
        return sipp

    async def hands_over(self, channel: str, other: str) -> None:
        """The telephone that has both channels brings their far ends together (REFER with Replaces)."""
        self.tap.note(f"{channel} is handed over to {other}")
        answer = await dialogues.refer_with_replaces(self.tap, channel, other, self.spec.sip_port)
        assert answer.startswith("SIP/2.0 202"), answer

    async def hangs_up(self, channel: str) -> None:
        """Whoever is at the other end of `channel` hangs up now, not when his script has it."""
        self.tap.note(f"{channel} hangs up")
        answer = await dialogues.bye(self.tap, channel, self.spec.sip_port)
        assert answer.startswith("SIP/2.0 200"), answer

    async def presses(self, channel: str, key: str) -> None:
        """Whoever is at the other end of `channel` presses a key now: for what no clock of theirs can hit."""
        answer = await dialogues.press(self.tap, channel, key, self.spec.sip_port)
        assert answer.startswith("SIP/2.0 200"), answer

    async def refers(self, channel: str, target: str) -> str:
        """The telephone that has this channel sends its far end there (REFER); the first line it hears."""
        self.tap.note(f"{channel} is referred to {target}")
        return await dialogues.refer(self.tap, channel, target, self.spec.sip_port)

    def alive(self) -> None:
        """One beat of the service's heart."""
        (self.spec.directory / "heartbeat").touch()

    def silent(self) -> None:
        """The service died a minute ago."""
        heartbeat = self.spec.directory / "heartbeat"
        heartbeat.touch()
        long_ago = heartbeat.stat().st_mtime - 60
        os.utime(heartbeat, (long_ago, long_ago))

    @property
    def messages(self) -> str:
        """Asterisk's own warnings and errors."""
        text = (self.spec.directory / "log" / "messages").read_text(encoding="utf-8")
        return "\n".join(line for line in text.splitlines() if "WARNING" in line or "ERROR" in line)


async def until(holds: Callable[[], bool], what: str, within: float = 60) -> None:
    """Return once `holds` is true: for files, which tell nobody that they have changed."""
    try:
        async with asyncio.timeout(within):
            while not holds():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited {within:g} s in vain for {what}") from None


@asynccontextmanager
async def exchange(port: int = PORTS.sip, **changes: object) -> AsyncIterator[Exchange]:
    """A running exchange; `changes` replace fields of the usual `NodeSpec`. It is gone afterwards."""
    programs = await instance.find()
    # Not pytest's own folder: the control socket's path has to be short.
    folder = Path(tempfile.mkdtemp(prefix="hotline-"))
    try:
        spec = replace(node_spec(folder / "node", programs, port), **changes)  # type: ignore[arg-type]
        running = Exchange(spec, programs, folder / "sipp")
        try:
            await running.start()
            yield running
        finally:
            await running.close()
    finally:
        shutil.rmtree(folder)
