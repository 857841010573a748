"""The settings of the nodes: where each Asterisk is, and by which lines it is joined to the carriers."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from core.names import fits
from hotline.settings_section import Port, Section


def _node_name(name: str) -> str:
    if not fits("node", name):
        raise ValueError("a node is called by 1 to 16 small letters and digits, a letter first")
    return name


def _trunk_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]{0,23}", name):
        raise ValueError("a trunk is called by 1 to 24 small letters and digits, a letter first")
    return name


def _network(address: str) -> str:
    try:
        return str(ipaddress.ip_network(address))
    except ValueError as error:
        raise ValueError("write an IP address or a network, such as 192.0.2.10 or 192.0.2.0/28") from error


class TrunkSettings(Section):
    """One carrier's line into a node"""

    name: Annotated[str, AfterValidator(_trunk_name)]
    addresses: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(min_length=1)
    dtmf: Literal["rfc4733", "info", "auto_info"] = "rfc4733"
    outgoing: bool = False
    host: str = Field(default="", pattern=r"^([0-9A-Za-z.-]{1,100}:[0-9]{2,5})?$")
    shown: str = Field(default="95559", pattern=r"^[0-9]{3,20}$")

    @model_validator(mode="after")
    def _has_a_carrier(self) -> TrunkSettings:
        if self.outgoing and not self.host:
            raise ValueError(f"trunk {self.name} is outgoing: give the carrier's `host`, as address:port")
        return self


class NodeSettings(Section):
    """[[nodes]] one Asterisk each; in the environment HOTLINE_NODES holds the whole list as JSON"""

    name: Annotated[str, AfterValidator(_node_name)] = Field(
        description="the node's name, the same as its systemname"
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="address of its AMI")
    port: Port = Field(default=5038, description="port of its AMI")
    accounts: Path = Field(description="file with the names and secrets of its AMI accounts")
    directory: Path = Field(
        description="folder that the node and this program share: recordings, prompts, heartbeat"
    )
    sip_address: str = Field(
        default="127.0.0.1", min_length=1, description="address on which it takes calls and registrations"
    )
    sip_port: Port = Field(default=5060, description="port on which it takes calls and registrations")
    page_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="port, on its AMI's address, on which its Asterisk takes from the service what "
        "telephones in agents' pages say; 0: there are none",
    )
    rtp_first: Port = Field(default=10_000, description="first of its ports for sound")
    rtp_last: Port = Field(default=19_999, description="last of its ports for sound")
    rtp_timeout_s: int = Field(
        default=10,
        ge=0,
        le=300,
        description="seconds without sound from an agent's telephone after which it counts as dead and its "
        "customer goes back to the head of the queue; 0: never, for telephones that send nothing while "
        "nobody speaks",
    )
    trunks: tuple[TrunkSettings, ...] = Field(
        default=(),
        description="the carriers' lines, each with `name`, `addresses` (IP addresses or networks; whoever "
        "calls from there is a customer) and `dtmf` (rfc4733, info or auto_info); the one on which "
        "customers are called has `outgoing` = true, the carrier's `host` (address:port) and the number "
        "`shown` to them",
    )
    run_asterisk: bool = Field(
        default=True, description="`hotline up` starts its Asterisk and keeps it running"
    )
