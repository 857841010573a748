"""A node with one of everything, for tests of what is rendered from it."""

from __future__ import annotations

from pathlib import Path

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

BUSINESSES = ("personal", "card", "corporate", "complaints", "loss", "operator")


def node(directory: Path) -> NodeSpec:
    """Every field that has a form is filled."""
    return NodeSpec(
        name="node1",
        directory=directory,
        modules=Path("/usr/lib/asterisk/modules"),
        data=Path("/usr/share/asterisk"),
        sip_port=15300,
        ami_port=15301,
        rtp_first=26000,
        rtp_last=26199,
        trunks=(TrunkSpec(name="trunk", addresses=("127.0.0.2/32",)),),
        devices=(DeviceSpec(name="d001", secret="phone-secret-001"),),
        queues=tuple(
            QueueSpec(name=f"{business}-{language}")
            for business in BUSINESSES
            for language in ("cmn", "nan", "en")
        ),
        agents=(
            AgentSpec(
                staff="8001",
                pin_salt="saltsalt",
                pin_hash="0" * 40,
                memberships=(MembershipSpec(queue="card-cmn", penalty=0),),
            ),
        ),
        reasons=(ReasonSpec(code="meal", digit=1),),
        accounts=(
            AccountSpec(name="events", secret="events-secret", read=("call",), events=("Hangup",)),
            AccountSpec(name="commands", secret="commands-secret", write=("agent", "call")),
        ),
        vips=("13900000001",),
    )
