"""What a simulated customer or telephone does, as data, and its form as a SIPp scenario. Pure.

A customer calls, is answered by the dialplan at once, and from then on acts by the clock: `Pause`, `Key`,
then hangs up or waits to be hung up on. A telephone rings, and by its own clock answers, refuses or lets it
ring. Times are in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{name}">\n'
_TAIL = "</scenario>\n"
_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
_ECHO = "[last_Via:]\n[last_From:]\n{to}\n[last_Call-ID:]\n[last_CSeq:]"
_SDP = """v=0
o=- 95559 1 IN IP[local_ip_type] [local_ip]
s=call
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15"""
_CALLER = "<sip:{caller}@[local_ip]:[local_port]>"
_OUR_TAG = ";tag=[pid]-[call_number]"


class Dtmf(StrEnum):
    """How a customer's keys travel."""

    INFO = "info"
    RTP = "rfc4733"


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for a while."""

    ms: int


@dataclass(frozen=True, slots=True)
class Key:
    """Press one key: 0-9, * or #."""

    key: str


def keys(text: str, gap_ms: int = 150) -> tuple[Pause | Key, ...]:
    """The keys of `text` one after the other, as fast as a quick finger."""
    return tuple(step for key in text for step in (Pause(gap_ms), Key(key)))


@dataclass(frozen=True, slots=True)
class Customer:
    """One kind of customer. After the steps: hang up, or wait up to `patience_ms` to be hung up on.

    `caller` is the number shown; `None` takes it from the first column of the injected file. With a `secret`
    it is a telephone of ours that dials `number` (a star code, a colleague) and is asked who it is. `voice`:
    a raw A-law file played as RTP from the answer on, over and over.
    """

    name: str
    steps: tuple[Pause | Key, ...] = ()
    hang_up: bool = False
    patience_ms: int = 120_000
    number: str = "95559"
    caller: str | None = "02154321000"
    secret: str | None = None
    dtmf: Dtmf = Dtmf.INFO
    voice: Path | None = None


@dataclass(frozen=True, slots=True)
class Phone:
    """One kind of telephone. `answer_ms` None: rings until the caller gives up. `refuse`: a SIP status
    sent instead of answering (486 busy, 480 unavailable, 603 declined). `talk_ms` None: the other side
    hangs up. `transfer_to`: after the talk the customer is referred there instead of hung up on. `hold`: ms
    after the answer, and for how many ms, the customer is on hold; the talk lasts `talk_ms` from then."""

    name: str
    answer_ms: int | None = 200
    talk_ms: int | None = 2_000
    refuse: int | None = None
    transfer_to: str | None = None
    hold: tuple[int, int] | None = None
    voice: Path | None = None


_REASONS = {480: "Temporarily Unavailable", 486: "Busy Here", 603: "Decline"}
_LONG_MS = 3_600_000


def _send(text: str, *, retrans: bool = False, attributes: str = "") -> str:
    again = ' retrans="500"' if retrans else ""
    return f"<send{again}{attributes}><![CDATA[\n\n{text}\n\n]]></send>\n"


def _body(text: str, kind: str = "application/sdp") -> str:
    return f"Content-Type: {kind}\nContent-Length: [len]\n\n{text}"


def _request(method: str, cseq: int, who: str, body: str = "Content-Length: 0\n") -> str:
    """A request within the customer's dialogue."""
    return (
        f"{method} [next_url] SIP/2.0\n{_VIA}\nFrom: {who}{_OUR_TAG}\n[last_To:]\n[last_Call-ID:]\n"
        f"CSeq: {cseq} {method}\nContact: {who}\nMax-Forwards: 70\n[routes]\n{body}"
    )


def _reply(status: str, *, to: str = "[last_To:]", extra: str = "Content-Length: 0\n") -> str:
    return f"SIP/2.0 {status}\n{_ECHO.format(to=to)}\n{extra}"


def _play(voice: Path | None) -> str:
    return (
        "" if voice is None else f'<nop><action><exec rtp_stream="{voice},-1,8,PCMA/8000"/></action></nop>\n'
    )


def _stream(what: str, voice: Path | None) -> str:
    return "" if voice is None else f'<nop><action><exec rtp_stream="{what}"/></action></nop>\n'


def customer(script: Customer, *, dtmf_pcaps: Path | None = None) -> str:
    """The scenario of a customer. `Dtmf.RTP` needs the folder `dtmf_pcaps` that `rtp_keys` wrote."""
    who = _CALLER.format(caller="[field0]" if script.caller is None else script.caller)
    identity = (
        ""
        if script.secret is None
        else f"[authentication username={script.caller} password={script.secret}]\n"
    )
    first = 1 if script.secret is None else 2
    parts = [
        _HEAD.format(name=script.name),
        *([] if script.secret is None else _challenged(script.number, who)),
        _send(_invite(script.number, who, first, identity), retrans=True, attributes=' start_rtd="answer"'),
        *(f'<recv response="{status}" optional="true"/>\n' for status in (100, 180, 183)),
        '<recv response="200" rrs="true" rtd="answer"/>\n',
        _send(_request("ACK", first, who)),
        _play(script.voice),
    ]
    cseq = first
    pressed = 0
    for step in script.steps:
        if isinstance(step, Pause):
            parts.append(f'<pause milliseconds="{step.ms}"/>\n')
        elif script.dtmf is Dtmf.INFO:
            cseq += 1
            relay = _body(f"Signal={step.key}\nDuration=120\n", "application/dtmf-relay")
            parts.append(_send(_request("INFO", cseq, who, relay), retrans=True))
            parts.append('<recv response="200"/>\n')
        else:
            parts.append(_play_key(step.key, pressed, dtmf_pcaps))
            pressed += 1
    if script.hang_up:
        parts.append(_send(_request("BYE", cseq + 1, who), retrans=True) + '<recv response="200"/>\n')
    else:
        parts.append(f'<recv request="BYE" timeout="{script.patience_ms}"/>\n' + _send(_reply("200 OK")))
    return "".join([*parts, _TAIL])


def _invite(number: str, who: str, cseq: int, identity: str = "") -> str:
    return (
        f"INVITE sip:{number}@[remote_ip]:[remote_port] SIP/2.0\n{_VIA}\nFrom: {who}{_OUR_TAG}\n"
        f"To: <sip:{number}@[remote_ip]:[remote_port]>\nCall-ID: [call_id]\nCSeq: {cseq} INVITE\n"
        f"Contact: {who}\nMax-Forwards: 70\n{identity}{_body(_SDP)}"
    )


def _challenged(number: str, who: str) -> list[str]:
    """The first INVITE of a telephone is answered by the question who it is."""
    return [
        _send(_invite(number, who, 1), retrans=True),
        '<recv response="100" optional="true"/>\n<recv response="401" auth="true"/>\n',
        _send(
            _request("ACK", 1, who).replace("ACK [next_url]", f"ACK sip:{number}@[remote_ip]:[remote_port]")
        ),
    ]


def key_file(key: str, ordinal: int) -> str:
    """Name of the packet file of the `ordinal`-th key of a call."""
    return f"key-{ordinal}-{ {'*': 'star', '#': 'pound'}.get(key, key) }.pcap"


def _play_key(key: str, ordinal: int, pcaps: Path | None) -> str:
    if pcaps is None:
        raise ValueError("keys by RTP need the folder of their packets (dtmf_pcaps)")
    return f'<nop><action><exec play_pcap_audio="{pcaps / key_file(key, ordinal)}"/></action></nop>\n'


NOTE = "[timestamp]|[$4]|[$2]"
"""What a telephone that takes notes writes at each answer: when, the call's number, its own address."""


def phone(script: Phone, *, notes: bool = False) -> str:
    """The scenario of a telephone: any number of calls, each cancelled, refused, or answered and ended.
    `notes`: it writes down each call that it is connected in (for a `Sipp` that keeps notes).
    """
    headers = ("From", "To", "CSeq", *(("X-Hotline-Call",) if notes else ()))
    tagged = "[last_To:];tag=[pid]-[call_number]"
    ring_ms = _LONG_MS if script.answer_ms is None else max(1, script.answer_ms)
    parts = [_HEAD.format(name=script.name)]
    if script.refuse is not None:
        reason = f"{script.refuse} {_REASONS[script.refuse]}"
        parts += ['<recv request="INVITE"/>\n', _send(_reply(reason, to=tagged), retrans=True)]
        return "".join([*parts, '<recv request="ACK"/>\n', _TAIL])
    contact = "Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n"
    talk_ms = _LONG_MS if script.talk_ms is None else max(1, script.talk_ms)
    parts += [
        '<recv request="INVITE" rrs="true"><action>\n',
        *(
            f'<ereg regexp=".*" search_in="hdr" header="{header}:" assign_to="{number}"/>\n'
            for number, header in enumerate(headers, start=1)
        ),
        "</action></recv>\n",
        _send(_reply("180 Ringing", to=tagged, extra=f"{contact}Content-Length: 0\n")),
        f'<recv request="CANCEL" timeout="{ring_ms}" ontimeout="answer"/>\n',
        _send(_reply("200 OK")),
        # The refusal of the INVITE itself: its own CSeq, not the one of the CANCEL.
        _send(
            _reply("487 Request Terminated", to=tagged).replace("[last_CSeq:]", "CSeq: [$3]"),
            retrans=True,
        ),
        '<recv request="ACK" next="end"/>\n',
        '<label id="answer"/>\n',
        _send(_reply("200 OK", to=tagged, extra=contact + _body(_SDP)), retrans=True),
        '<recv request="ACK"/>\n',
        f'<nop><action><log message="{NOTE}"/></action></nop>\n' if notes else "",
        _play(script.voice),
        *_holding(script.hold, script.voice),
        _until_bye(talk_ms, "bye"),
        *_refer(script.transfer_to),
        _send(_of_phone("BYE", 9), retrans=True),
        '<recv response="200"/>\n',
        '<label id="end"/>\n',
        _TAIL,
    ]
    return "".join(parts)


def _of_phone(method: str, cseq: int, extra: str = "", body: str = "Content-Length: 0\n") -> str:
    # The telephone was called: what came From the other side now goes To it.
    return (
        f"{method} [next_url] SIP/2.0\n{_VIA}\nFrom: [$2]{_OUR_TAG}\nTo: [$1]\n[last_Call-ID:]\n"
        f"CSeq: {cseq} {method}\nContact: <sip:[local_ip]:[local_port]>\nMax-Forwards: 70\n{extra}{body}"
    )


def _until_bye(ms: int, label: str) -> str:
    """Go on after `ms`, or end when the other side hangs up before."""
    answer = _send(_reply("200 OK"), attributes=' next="end"')
    return f'<recv request="BYE" timeout="{ms}" ontimeout="{label}"/>\n{answer}<label id="{label}"/>\n'


def _holding(hold: tuple[int, int] | None, voice: Path | None) -> list[str]:
    """Two re-INVITEs: the other side is only to listen, then it may speak again (RFC 3264, 8.4)."""
    if hold is None:
        return []
    parts = []
    for cseq, (ms, label, direction) in enumerate(
        ((hold[0], "hold", "sendonly"), (hold[1], "unhold", "sendrecv")), start=2
    ):
        # The version in the origin has to rise with each offer.
        offer = _body(_SDP.replace("95559 1 IN", f"95559 {cseq} IN") + f"\na={direction}")
        parts += [
            _until_bye(ms, label),
            _send(_of_phone("INVITE", cseq, body=offer), retrans=True),
            '<recv response="100" optional="true"/>\n<recv response="200"/>\n',
            _send(_of_phone("ACK", cseq)),
            # A telephone that holds is silent.
            _stream("pause" if label == "hold" else "resume", voice),
        ]
    return parts


def _refer(target: str | None) -> list[str]:
    """A blind transfer: REFER, taken; the word that it went well; then the telephone hangs up."""
    if target is None:
        return []
    refer_to = f"Refer-To: <sip:{target}@[local_ip]>\nReferred-By: <sip:[local_ip]>\n"
    notify = '<recv request="NOTIFY"/>\n' + _send(_reply("200 OK"))
    return [_send(_of_phone("REFER", 5, refer_to), retrans=True), '<recv response="202"/>\n', notify, notify]


def registration() -> str:
    """REGISTER with digest; injected columns: device, secret, the contact's port, seconds (0 = leave)."""
    who = "<sip:[field0]@[remote_ip]:[remote_port]>"

    def register(cseq: int, authentication: str) -> str:
        return _send(
            f"REGISTER sip:[remote_ip]:[remote_port] SIP/2.0\n{_VIA}\nFrom: {who}{_OUR_TAG}\nTo: {who}\n"
            f"Call-ID: [call_id]\nCSeq: {cseq} REGISTER\nMax-Forwards: 70\n{authentication}"
            "Contact: <sip:[field0]@[local_ip]:[field2]>\nExpires: [field3]\nContent-Length: 0\n",
            retrans=True,
        )

    return "".join(
        [
            _HEAD.format(name="registration"),
            register(1, ""),
            '<recv response="401" auth="true"/>\n',
            register(2, "[authentication username=[field0] password=[field1]]\n"),
            '<recv response="200"/>\n',
            _TAIL,
        ]
    )


def injection(rows: Sequence[Sequence[str]], order: str = "SEQUENTIAL") -> str:
    """The text of a SIPp injection file. `order`: SEQUENTIAL, RANDOM or USER."""
    for row in rows:
        for cell in row:
            if ";" in cell or "\n" in cell:
                raise ValueError(f"{cell!r} may not hold a semicolon or a line end")
    return "".join([f"{order}\n", *(";".join(row) + "\n" for row in rows)])
