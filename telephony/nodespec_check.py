"""What every value of a node passes before it is written into a configuration file (guarantee 6). Pure."""

from __future__ import annotations

import ipaddress
import re

from core.dialling import check_pattern
from core.errors import BadInput
from core.names import check
from telephony.instance import SOCKET_PATH_LIMIT
from telephony.nodespec import PENALTY_STEP, NodeSpec
from telephony.seat_address import SEATS

_PATH = re.compile(r"/[A-Za-z0-9_.+@/-]+")
_SECRET = re.compile(r"[A-Za-z0-9_-]{8,128}")
_SALT = re.compile(r"[A-Za-z0-9]{8,64}")
_KEY = re.compile(r"[0-9a-f]{0,64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_WORD = re.compile(r"[a-z][a-z0-9]{0,23}")
_EVENT = re.compile(r"[A-Za-z]{2,40}")
_HOST = re.compile(r"[0-9A-Za-z.-]{1,100}:[0-9]{2,5}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\.conf")
READ_CLASSES = frozenset(
    ["system", "call", "log", "verbose", "agent", "user", "config", "dtmf", "reporting", "cdr", "dialplan"]
)
# Never system, config or command: an account that leaks shall not own the machine (house decision 9).
WRITE_CLASSES = frozenset(["call", "agent", "user", "originate", "reporting", "message", "log"])
DTMF_MODES = frozenset({"rfc4733", "info", "auto_info"})


def _match(pattern: re.Pattern[str], value: str, where: str, what: str) -> None:
    if not pattern.fullmatch(value):
        raise BadInput(where, f"{what} may not be {value[:60]!r} ({pattern.pattern})")


def _between(value: int, low: int, high: int, where: str) -> None:
    if not low <= value <= high:
        raise BadInput(where, f"{value} is not between {low} and {high}")


def _once(values: list[str], where: str) -> None:
    for value in {v for v in values if values.count(v) > 1}:
        raise BadInput(where, f"{value!r} is there more than once")


def _check_places(spec: NodeSpec) -> None:
    for where, path in (("directory", spec.directory), ("modules", spec.modules), ("data", spec.data)):
        _match(_PATH, str(path), where, "a path in Asterisk's files")
    socket = spec.directory / "run" / "asterisk.ctl"
    if len(str(socket)) > SOCKET_PATH_LIMIT:
        raise BadInput(
            "directory", f"{socket} is longer than {SOCKET_PATH_LIMIT} characters: use a shorter one"
        )
    for where, port in (("sip_port", spec.sip_port), ("ami_port", spec.ami_port)):
        _between(port, 1024, 65535, where)
    if spec.page_port or any(device.page for device in spec.devices):
        _between(spec.page_port, 1024, 65535, "page_port")
    _between(spec.rtp_first, 1024, 65535, "rtp_first")
    _between(spec.rtp_last, spec.rtp_first + 3, 65535, "rtp_last")
    for where, address in (("sip_address", spec.sip_address), ("ami_address", spec.ami_address)):
        try:
            ipaddress.ip_address(address)
        except ValueError as problem:
            raise BadInput(where, f"{address[:60]!r} is no IP address") from problem
    if spec.page_port and not ipaddress.ip_address(spec.ami_address).is_loopback:
        raise BadInput("ami_address", "must be one of loopback where telephones in pages are let in")
    for name in spec.includes:
        _match(_FILE, name, "includes", "an included file")


def _check_trunks(spec: NodeSpec) -> None:
    for trunk in spec.trunks:
        where = f"trunks.{trunk.name[:24]}"
        _match(_WORD, trunk.name, where, "a trunk's name")
        if trunk.dtmf not in DTMF_MODES:
            raise BadInput(f"{where}.dtmf", f"{trunk.dtmf[:24]!r} is none of {', '.join(sorted(DTMF_MODES))}")
        if not trunk.addresses:
            raise BadInput(f"{where}.addresses", "a trunk is known by its addresses: name at least one")
        for address in trunk.addresses:
            try:
                network = ipaddress.ip_network(address)
            except ValueError as problem:
                raise BadInput(
                    f"{where}.addresses", f"{address[:60]!r} is no address or network"
                ) from problem
            if spec.page_port and network.overlaps(SEATS):
                raise BadInput(f"{where}.addresses", f"{address[:60]!r} is where telephones in pages are")
        if trunk.host:
            _match(_HOST, trunk.host, f"{where}.host", "a carrier's address and port")
            check("dialled", trunk.shown, f"{where}.shown")
    _once(["outgoing" for trunk in spec.trunks if trunk.host], "trunks")
    for pattern in spec.allowed:
        check_pattern(pattern, "allowed")
    for number in spec.outside:
        check("dialled", number, "outside")
        if number in (*spec.numbers, *spec.colleagues):
            raise BadInput("outside", f"{number} is one of our own: a transfer there would stay inside")
    _once([*spec.outside], "outside")
    if spec.outside and spec.outgoing is None:
        raise BadInput("outside", "no trunk is the outgoing one: name it, or no numbers to transfer to")


def _check_queues(spec: NodeSpec) -> None:
    for queue in spec.queues:
        where = f"queues.{queue.name[:32]}"
        check("queue", queue.name, where)
        _between(queue.weight, 0, 1000, f"{where}.weight")
        _between(queue.priority, 0, 1000, f"{where}.priority")
        _between(queue.service_level_s, 1, 3600, f"{where}.service_level_s")
        _between(queue.ring_s, 1, 120, f"{where}.ring_s")
        _between(queue.widen_after_s, 1, 600, f"{where}.widen_after_s")
        _between(queue.round_s, 5, 3600, f"{where}.round_s")
        _between(queue.timeout_s, 5, 86400, f"{where}.timeout_s")
        _between(queue.callback_after_s, 0, 3600, f"{where}.callback_after_s")
    _once([queue.name for queue in spec.queues], "queues")


def _check_people(spec: NodeSpec) -> None:
    for device in spec.devices:
        check("device", device.name, "devices")
        _match(_SECRET, device.secret, f"devices.{device.name}.secret", "a secret")
    _once([device.name for device in spec.devices] + [trunk.name for trunk in spec.trunks], "devices")
    queues = {queue.name for queue in spec.queues}
    for agent in spec.agents:
        where = f"agents.{agent.staff[:16]}"
        check("staff", agent.staff, where)
        _match(_SALT, agent.pin_salt, f"{where}.pin_salt", "a salt")
        _match(_SHA1, agent.pin_hash, f"{where}.pin_hash", "a SHA-1 hash")
        for seat in agent.memberships:
            if seat.queue not in queues:
                raise BadInput(f"{where}.memberships", f"there is no queue {seat.queue[:32]!r}")
            if seat.penalty not in (0, PENALTY_STEP):
                raise BadInput(
                    f"{where}.memberships", f"penalty {seat.penalty} is neither 0 nor {PENALTY_STEP}"
                )
    _once([agent.staff for agent in spec.agents], "agents")
    for staff in spec.colleagues:
        check("staff", staff, "colleagues")
    for reason in spec.reasons:
        check("reason", reason.code, "reasons")
        _between(reason.digit, 1, 9, f"reasons.{reason.code}.digit")
    _once([str(reason.digit) for reason in spec.reasons], "reasons")


def _check_accounts(spec: NodeSpec) -> None:
    for account in spec.accounts:
        where = f"accounts.{account.name[:24]}"
        _match(_WORD, account.name, where, "an account's name")
        _match(_SECRET, account.secret, f"{where}.secret", "a secret")
        for kind, rights, allowed in (
            ("read", account.read, READ_CLASSES),
            ("write", account.write, WRITE_CLASSES),
        ):
            for right in rights:
                if right not in allowed:
                    raise BadInput(
                        f"{where}.{kind}", f"{right[:24]!r} is none of {', '.join(sorted(allowed))}"
                    )
        for event in account.events:
            _match(_EVENT, event, f"{where}.events", "an event's name")
    _once([account.name for account in spec.accounts], "accounts")


def check_spec(spec: NodeSpec) -> NodeSpec:
    """`spec` itself; `BadInput` naming the first value that may not stand in a configuration file."""
    check("node", spec.name, "name")
    _check_places(spec)
    _check_trunks(spec)
    _check_queues(spec)
    _check_people(spec)
    _check_accounts(spec)
    for number in (*spec.numbers, *spec.vips):
        check("telephone", number, "numbers")
    _match(_KEY, spec.customer_key, "customer_key", "a key")
    _match(re.compile(r"ivr-[a-z0-9-]{1,40}"), spec.flow_entry, "flow_entry", "a flow's entry")
    for where, value in (("vip_priority", spec.vip_priority), ("ageing_step", spec.ageing_step)):
        _between(value, 0, 1000, where)
    _between(spec.silence_s, 2, 60, "silence_s")
    _between(spec.rtp_timeout_s, 0, 300, "rtp_timeout_s")
    _between(spec.qualify_s, 0, 600, "qualify_s")
    _between(spec.answer_within_s, 5, 120, "answer_within_s")
    _between(spec.survey_wait_s, 2, 30, "survey_wait_s")
    return spec
