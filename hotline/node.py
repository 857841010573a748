"""A node of our own, prepared from directory and credentials: configuration, flows, prompts, accounts.

Here directory, ivr and telephony meet: each knows its part, none knows the others.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.clock import Clock, iso
from core.errors import HotlineError
from directory.credentials import Credentials
from directory.lookup import Directory
from directory.model import DeviceKind
from hotline.content import Content
from hotline.settings_nodes import NodeSettings, TrunkSettings
from hotline.settings_outgoing import OutgoingSettings
from ivr import history
from ivr.compile import Compiled, compile_flow, versions_in
from ivr.history import How, Published
from ivr.publish import flow_file, publish
from ivr.render import Rendered, render_prompts
from telephony.ami.accounts import RIGHTS, Role
from telephony.instance import Programs, cache_dir
from telephony.nodefiles import write_node
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
from telephony.translate import EVENTS

ROUND_S = 60
"""How long a caller waits before re-entering the queue one step more urgent."""
SERVICE_EVENTS = (*EVENTS, "FullyBooted", "Shutdown")
"""What the events account is sent: what telephony translates, and what the link itself needs."""


class AccountsRefused(HotlineError):
    """The file with a node's AMI secrets cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePorts:
    """Where our own Asterisk listens."""

    sip: int
    ami: int
    rtp_first: int
    rtp_last: int
    page: int = 0


LOOPBACK_TRUNKS = (
    TrunkSpec(name="trunk", addresses=("127.0.0.2/32",)),
    TrunkSpec(name="trunkinfo", addresses=("127.0.0.3/32",), dtmf="info"),
)
"""Where simulated customers call from: keys as RFC 4733 events, or as SIP INFO."""


def loopback_trunks(called: str) -> tuple[TrunkSettings, ...]:
    """The same as settings; customers are called by the first of them, at `called` (address and port), unless
    that is empty."""
    out = {"outgoing": True, "host": called} if called else {}
    return tuple(
        TrunkSettings.model_validate(
            {"name": one.name, "addresses": one.addresses, "dtmf": one.dtmf}
            | (out if one is LOOPBACK_TRUNKS[0] else {})
        )
        for one in LOOPBACK_TRUNKS
    )


def issue_accounts(file: Path) -> dict[Role, str]:
    """The secrets of a node's three AMI accounts, made once and kept for owner and group alone."""
    if not file.exists():
        made = {role.value: secrets.token_urlsafe(24) for role in Role}
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        with os.fdopen(descriptor, "wb") as out:
            out.write(msgspec.json.encode(made))
    return read_accounts(file)


def read_accounts(file: Path) -> dict[Role, str]:
    """`AccountsRefused` if the file is not there or does not hold all three."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
        return {role: found[role.value] for role in Role}
    except (OSError, msgspec.DecodeError, KeyError) as problem:
        raise AccountsRefused(
            f"{file}: the secrets of {', '.join(Role)} cannot be read ({problem}): render the node again"
        ) from problem


def node_spec(
    name: str,
    folder: Path,
    *,
    ports: NodePorts,
    programs: Programs,
    directory: Directory,
    credentials: Credentials,
    accounts: Mapping[Role, str],
    trunks: Sequence[TrunkSpec] = LOOPBACK_TRUNKS,
    sip_address: str = "127.0.0.1",
    rtp_timeout_s: int = 0,
    outgoing: OutgoingSettings = OutgoingSettings(),  # noqa: B008 - it is frozen
) -> NodeSpec:
    """The node as directory and credentials want it."""
    return NodeSpec(
        name=name,
        directory=folder,
        modules=programs.modules,
        data=programs.data,
        sip_address=sip_address,
        rtp_timeout_s=rtp_timeout_s,
        sip_port=ports.sip,
        ami_port=ports.ami,
        page_port=ports.page,
        rtp_first=ports.rtp_first,
        rtp_last=ports.rtp_last,
        trunks=tuple(trunks),
        devices=tuple(
            DeviceSpec(
                name=device.name,
                secret=credentials.devices[device.name],
                page=bool(ports.page) and device.kind is DeviceKind.WEB,
            )
            for device in directory.devices.values()
        ),
        queues=_queues(directory),
        agents=_agents(directory, credentials),
        reasons=tuple(
            ReasonSpec(code=reason.code, digit=reason.digit) for reason in directory.reasons.values()
        ),
        accounts=tuple(
            AccountSpec(
                name=role.value,
                secret=accounts[role],
                read=rights.read,
                write=rights.write,
                events=SERVICE_EVENTS if role is Role.EVENTS else (),
            )
            for role, rights in RIGHTS.items()
        ),
        vips=tuple(sorted(directory.vip_numbers)),
        customer_key=customer_key(credentials),
        survey_wait_s=directory.survey.timeout_s,
        allowed=outgoing.allow,
        answer_within_s=outgoing.answer_within_s,
        colleagues=tuple(person.number for person in directory.staff.values() if person.active),
        # A node without a line of its own for calls of ours has none for these either.
        outside=outgoing.transfer_to if any(trunk.host for trunk in trunks) else (),
    )


def customer_key(credentials: Credentials) -> str:
    """What the names of customers' files are made with: of a secret that the node has already."""
    return hashlib.sha256(f"customers:{credentials.pin_salt}".encode()).hexdigest()[:32]


def spec_by(
    node: NodeSettings,
    directory: Directory,
    credentials: Credentials,
    programs: Programs,
    accounts: Mapping[Role, str],
    *,
    outgoing: OutgoingSettings = OutgoingSettings(),  # noqa: B008 - it is frozen
) -> NodeSpec:
    """The node as settings and directory want it."""
    return node_spec(
        node.name,
        node.directory.absolute(),
        ports=NodePorts(
            sip=node.sip_port,
            ami=node.port,
            rtp_first=node.rtp_first,
            rtp_last=node.rtp_last,
            page=node.page_port,
        ),
        programs=programs,
        directory=directory,
        credentials=credentials,
        accounts=accounts,
        trunks=[_trunk(one) for one in node.trunks],
        sip_address=node.sip_address,
        rtp_timeout_s=node.rtp_timeout_s,
        outgoing=outgoing,
    )


def _trunk(trunk: TrunkSettings) -> TrunkSpec:
    out = {"host": trunk.host, "shown": trunk.shown} if trunk.outgoing else {}
    return TrunkSpec(name=trunk.name, addresses=trunk.addresses, dtmf=trunk.dtmf, **out)


def _queues(directory: Directory) -> tuple[QueueSpec, ...]:
    return tuple(
        QueueSpec(
            name=queue.name,
            weight=queue.weight,
            priority=queue.priority,
            service_level_s=queue.service_level_s,
            ring_s=queue.ring_s,
            widen_after_s=queue.widen_after_s,
            round_s=min(ROUND_S, queue.timeout_s),
            timeout_s=queue.timeout_s,
            callback_after_s=queue.callback_after_s,
        )
        for queue in directory.queues.values()
    )


def _agents(directory: Directory, credentials: Credentials) -> tuple[AgentSpec, ...]:
    return tuple(
        AgentSpec(
            staff=person.number,
            pin_salt=f"{credentials.pin_salt}{person.number}",
            pin_hash=credentials.staff[person.number].pin_sha1,
            memberships=tuple(
                MembershipSpec(queue=place.queue, penalty=place.penalty)
                for place in directory.memberships(person.number)
            ),
        )
        for person in directory.agents()
        if person.number in credentials.staff
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` has done. `left`: flow → the version somebody went back to, which stays."""

    voices: Rendered
    left: Mapping[str, str]


def prepare(spec: NodeSpec, content: Content, *, studio: Path | None, by: str, clock: Clock) -> Prepared:
    """Write everything the node needs to start; what has not changed is left alone.

    So is a flow from whose version somebody has gone back: only publishing it again undoes that.
    """
    write_node(spec)
    voices = render_prompts(
        content.catalogue, spec.directory / "prompts", cache=cache_dir() / "prompts", studio=studio
    )
    left = {}
    for flow in content.flows.values():
        if stays := _write_flow(spec.directory, compile_flow(flow), by, clock):
            left[flow.name] = stays
    return Prepared(voices, left)


def _write_flow(node: Path, compiled: Compiled, by: str, clock: Clock) -> str:
    """The version that stays in its place, or "" once this one is what Asterisk will take next."""
    file, known = flow_file(node, compiled.flow), history.history_file(node, compiled.flow)
    there = versions_in(file.read_text(encoding="utf-8")) if file.exists() else ()
    before = there[0].version if there else ""
    if before and history.gone_back_from(history.read(known)) == compiled.version:
        return before
    if publish(compiled, file) and before != compiled.version:
        history.record(known, Published(iso(clock()), compiled.version, How.PREPARED, by, before))
    return ""
