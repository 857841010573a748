"""A node's files: complete, careful with secrets, and closed to values that would break out of their line."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import BadInput
from telephony.ami.accounts import SILENCED
from telephony.nodefiles import render, write_file, write_node
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
from telephony.seat_address import seat_address
from tests.unit.telephony.node import node

EVIL = "x\nexten => s,1,System(id)"
CARRIER = TrunkSpec(name="trunk", addresses=("127.0.0.2/32",), host="127.0.0.2:5060", shown="95559")


def _seat(penalty: int, queue: str = "card-cmn") -> AgentSpec:
    seats = (MembershipSpec(queue=queue, penalty=penalty),)
    return AgentSpec(staff="8001", pin_salt="saltsalt", pin_hash="0" * 40, memberships=seats)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": "Node 1"}, "name"),
        ({"directory": Path("/srv/with space")}, "directory"),
        ({"directory": Path("/srv/" + "x" * 100)}, "directory"),
        ({"sip_port": 80}, "sip_port"),
        ({"rtp_last": 26000}, "rtp_last"),
        ({"ami_address": "127.0.0.1\nsecret = x"}, "ami_address"),
        ({"includes": ("../evil.conf",)}, "includes"),
        ({"numbers": (EVIL,)}, "numbers"),
        ({"vips": ("139,1",)}, "numbers"),
        ({"flow_entry": "ivr-95559,s,1)"}, "flow_entry"),
        ({"trunks": (TrunkSpec(name="trunk", addresses=()),)}, "trunks.trunk.addresses"),
        ({"trunks": (TrunkSpec(name="trunk", addresses=("localhost",)),)}, "trunks.trunk.addresses"),
        ({"trunks": (TrunkSpec(name="trunk", addresses=("10.0.0.1",), dtmf="any"),)}, "trunks.trunk.dtmf"),
        ({"devices": (DeviceSpec(name="d001", secret=EVIL),)}, "devices.d001.secret"),
        ({"devices": (DeviceSpec(name=EVIL, secret="phone-secret"),)}, "devices"),
        ({"devices": (DeviceSpec(name="d001", secret="phone-secret"),) * 2}, "devices"),
        ({"devices": (DeviceSpec(name="d001", secret="phone-secret", page=True),)}, "page_port"),
        ({"page_port": 80}, "page_port"),
        ({"page_port": 15302, "ami_address": "10.0.0.1"}, "ami_address"),
        (
            {"page_port": 15302, "trunks": (TrunkSpec(name="trunk", addresses=("127.0.0.0/8",)),)},
            "trunks.trunk.addresses",
        ),
        ({"queues": (QueueSpec(name=EVIL),)}, f"queues.{EVIL}"),
        ({"queues": (QueueSpec(name="card-cmn", ring_s=0),), "agents": ()}, "queues.card-cmn.ring_s"),
        ({"agents": (_seat(0, "nowhere"),)}, "agents.8001.memberships"),
        ({"agents": (_seat(5),)}, "agents.8001.memberships"),
        ({"reasons": (ReasonSpec(code="meal,1", digit=1),)}, "reasons"),
        ({"reasons": (ReasonSpec(code="meal", digit=1), ReasonSpec(code="rest", digit=1))}, "reasons"),
        ({"accounts": (AccountSpec(name="a", secret="long-enough", write=("system",)),)}, "accounts.a.write"),
        (
            {"accounts": (AccountSpec(name="a", secret="long-enough", write=("command",)),)},
            "accounts.a.write",
        ),
        ({"accounts": (AccountSpec(name="a", secret="long-enough", events=("A)",)),)}, "accounts.a.events"),
        ({"colleagues": (EVIL,)}, "colleagues"),
        ({"trunks": (CARRIER,), "outside": (EVIL,)}, "outside"),
        ({"trunks": (CARRIER,), "outside": ("_X.",)}, "outside"),
        ({"trunks": (CARRIER,), "outside": ("95559",)}, "outside"),
        ({"trunks": (CARRIER,), "outside": ("8001",), "colleagues": ("8001",)}, "outside"),
        ({"trunks": (CARRIER,), "outside": ("110", "110")}, "outside"),
        ({"outside": ("110",)}, "outside"),
    ],
)
def test_what_may_not_stand_in_a_file_is_refused_and_named(
    tmp_path: Path, changes: dict[str, object], where: str
) -> None:
    spec = replace(node(tmp_path / "node"), **changes)  # type: ignore[arg-type]
    with pytest.raises(BadInput) as refused:
        write_node(spec)
    assert refused.value.where == where
    assert not (tmp_path / "node").exists()


def test_files_with_secrets_are_for_owner_and_group(tmp_path: Path) -> None:
    spec = node(tmp_path / "node")
    write_node(spec)
    secrets = [device.secret for device in spec.devices] + [account.secret for account in spec.accounts]
    for path in (spec.directory / "etc").iterdir():
        text = path.read_text(encoding="utf-8")
        if any(secret in text for secret in secrets) or spec.agents[0].pin_hash in text:
            assert stat.S_IMODE(path.stat().st_mode) == 0o640, path.name
    assert stat.S_IMODE((spec.directory / "recordings").stat().st_mode) & 0o007 == 0


def test_rendering_again_replaces_files_whole(tmp_path: Path) -> None:
    spec = node(tmp_path / "node")
    write_node(spec)
    first = (spec.directory / "etc" / "queues.conf").stat().st_ino
    write_node(replace(spec, queues=(*spec.queues, QueueSpec(name="extra"))))
    assert "[extra]" in (spec.directory / "etc" / "queues.conf").read_text(encoding="utf-8")
    assert (spec.directory / "etc" / "queues.conf").stat().st_ino != first
    assert not list((spec.directory / "etc").glob(".*"))


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        write_file(path, "\ud800", 0o644)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def _section(text: str, name: str) -> list[str]:
    bodies = re.findall(rf"^\[{re.escape(name)}\][^\n]*\n((?:[^\[\n][^\n]*\n)*)", text, re.MULTILINE)
    return [line for body in bodies for line in body.splitlines()]


def test_customers_are_known_by_address_and_may_not_transfer(tmp_path: Path) -> None:
    lines = _section(render(node(tmp_path))["pjsip.conf"].text, "trunk")
    assert "match = 127.0.0.2/32" in lines
    assert "allow_transfer = no" in lines
    assert "context = from-trunk" in lines


def test_telephones_in_pages_are_reached_by_the_service_alone(tmp_path: Path) -> None:
    devices = (DeviceSpec(name="d037", secret="phone-secret-037", page=True), *node(tmp_path).devices)
    files = render(replace(node(tmp_path), page_port=15302, devices=devices))
    pjsip = files["pjsip.conf"].text
    assert "[d037](in-page)\n" in pjsip
    assert "[d001](desk)\n" in pjsip
    assert "webrtc = yes" in _section(pjsip, "in-page")
    assert "deny = 0.0.0.0/0.0.0.0" in _section(pjsip, "in-page")
    permitted = [line for line in pjsip.splitlines() if line.startswith("permit")]
    assert permitted == [f"permit = {seat_address('d037')}/255.255.255.255"]
    assert "deny = 127.128.0.0/255.128.0.0" in _section(pjsip, "desk")
    general = _section(files["http.conf"].text, "general")
    assert {"enabled = yes", "bindaddr = 127.0.0.1", "bindport = 15302"} <= set(general)
    assert "res_srtp.so" in files["modules.conf"].text


def test_without_a_port_for_pages_nothing_of_them_is_there(tmp_path: Path) -> None:
    files = render(node(tmp_path))
    assert "enabled = no" in _section(files["http.conf"].text, "general")
    assert "websocket" not in files["modules.conf"].text
    assert "type = transport\nprotocol = ws" not in files["pjsip.conf"].text


@pytest.mark.rule("SEC-11")
def test_a_customer_is_sent_to_places_that_are_written_out_and_to_no_pattern(tmp_path: Path) -> None:
    spec = replace(node(tmp_path), trunks=(CARRIER,), colleagues=("8001",), outside=("110",))
    text = render(spec)["extensions.conf"].text

    def places(context: str) -> set[str]:
        lines = _section(text, context)
        return {line.split(",")[0].removeprefix("exten => ") for line in lines if line.startswith("exten")}

    own = {
        "survey",
        "8001",
        *(device.name for device in spec.devices),
        *(queue.name for queue in spec.queues),
    }
    assert places("hotline-transfer") == own | {"110"}
    assert places("hotline-outgoing-sent") == own
    assert "[hotline-outside]" in text
    assert "[hotline-outside]" not in render(node(tmp_path))["extensions.conf"].text


def test_an_account_has_its_rights_and_its_events_only(tmp_path: Path) -> None:
    lines = _section(render(node(tmp_path))["manager.conf"].text, "events")
    assert "read = call" in lines
    assert "write = " in lines
    assert [line for line in lines if line.startswith("eventfilter")] == [
        "eventfilter(action(include),name(Hangup)) ="
    ]
    assert "permit = 127.0.0.0/255.0.0.0" in lines


def test_recording_can_be_switched_off(tmp_path: Path) -> None:
    spec: NodeSpec = replace(node(tmp_path), recording=False)
    assert "MixMonitor(" not in render(spec)["extensions.conf"].text
    assert "MixMonitor(" in render(node(tmp_path))["extensions.conf"].text


@pytest.mark.rule("CALL-02")
def test_the_net_is_wide_before_the_tenth_second(tmp_path: Path) -> None:
    rules = render(node(tmp_path))["queuerules.conf"].text
    (seconds,) = re.findall(r"penaltychange => (\d+),30", rules)
    assert int(seconds) < 10


@pytest.mark.parametrize("quiet", [True, False])
def test_a_quiet_node_makes_no_events_that_nobody_reads(tmp_path: Path, quiet: bool) -> None:
    general = _section(render(replace(node(tmp_path), quiet=quiet))["manager.conf"].text, "general")
    silenced = [line for line in general if line.startswith("disabledevents")]
    assert silenced == ([f"disabledevents = {','.join(SILENCED)}"] if quiet else [])


@pytest.mark.parametrize("seconds", [0, 10])
def test_a_telephone_may_be_silent_for_as_long_as_is_said(tmp_path: Path, seconds: int) -> None:
    rendered = render(replace(node(tmp_path), rtp_timeout_s=seconds))["pjsip.conf"].text
    assert ("rtp_timeout = 10" in rendered) == (seconds == 10)
    assert rendered.count("rtp_timeout") == (seconds == 10)
