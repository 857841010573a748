"""Pure: the framer and the parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.ami.errors import ProtocolBroken
from telephony.ami.wire import LONGEST_LINE, LONGEST_MESSAGE, Framer, Message
from tests.unit.telephony.ami.messages import BANNER, frame, message

header_values = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=30)
header_names = st.from_regex(r"[A-Z][A-Za-z]{0,9}", fullmatch=True).filter(
    lambda name: name not in ("Event", "Response")
)
events = st.lists(st.tuples(header_names, header_values), max_size=8)


def shown(messages: list[Message]) -> list[list[tuple[str, str]]]:
    return [list(each.items()) for each in messages]


@given(st.lists(events, max_size=5), st.data())
def test_any_chunking_of_the_stream_gives_the_same_messages(content, data):
    stream = BANNER + b"".join(
        frame("Event: Ding", *(f"{name}: {value}" for name, value in headers)) for headers in content
    )
    whole = Framer().feed(stream)
    assert len(whole) == len(content)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    framer, pieces = Framer(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        pieces += framer.feed(stream[begin:end])
    assert shown(pieces) == shown(whole)
    assert framer.repaired == 0


@given(events)
def test_what_was_sent_is_what_is_read(headers):
    (read,) = Framer().feed(BANNER + frame("Event: Ding", *(f"{name}: {value}" for name, value in headers)))
    for name, _ in headers:
        assert read.all(name) == tuple(value for other, value in headers if other == name)


def test_a_name_cut_in_the_middle_of_a_character_arrives_whole():
    stream = BANNER + frame("Event: QueueMemberAdded", "MemberName: 张三丰")
    cut = stream.index("三".encode()) + 1
    framer = Framer()
    assert framer.feed(stream[:cut]) == []
    (read,) = framer.feed(stream[cut:])
    assert read["MemberName"] == "张三丰"
    assert not read.repaired


def test_bytes_that_are_no_characters_are_replaced_and_recorded():
    framer = Framer()
    (read,) = framer.feed(BANNER + b"Event: Ding\r\nName: \xff\xfe ok\r\n\r\n")
    assert read["Name"] == "�� ok"
    assert read.repaired
    assert framer.repaired == 1


def test_missing_is_another_thing_than_empty():
    read = message("Event: Ding", "AccountCode: ")
    assert read.get("AccountCode") == ""
    assert read.get("Exten") is None
    assert "AccountCode" in read
    assert "Exten" not in read
    with pytest.raises(KeyError, match="Ding without Exten"):
        read["Exten"]


def test_repeated_headers_are_kept_in_order():
    read = message("Event: Status", "Variable: A=1", "Channel: x", "Variable: B=2")
    assert read.all("Variable") == ("A=1", "B=2")
    assert read.get("Variable") == "A=1"
    assert read.all("Nothing") == ()


def test_a_second_event_header_does_not_rename_an_event():
    assert message("Event: UserEvent", "UserEvent: X", "Event: Hangup").name == "UserEvent"


def test_result_is_left_as_it_is():
    assert message("Event: AttendedTransfer", "Result: 50%25 ").get("Result") == "50%25 "


def test_a_message_does_not_show_its_values_and_does_not_change():
    read = message("Event: DTMFEnd", "Digit: 6222021234567890")
    assert "6222" not in repr(read)
    with pytest.raises(AttributeError):
        read.name = "Other"


@pytest.mark.parametrize("word", ["Success", "Goodbye"])
def test_what_accepts(word):
    assert message(f"Response: {word}").accepted


@pytest.mark.parametrize("lines", [("Response: Error", "Message: no"), ("Event: Success",)])
def test_what_does_not_accept(lines):
    assert not message(*lines).accepted


def test_the_banner_is_kept():
    framer = Framer()
    assert framer.feed(BANNER[:10]) == []
    assert framer.banner is None
    framer.feed(BANNER[10:])
    assert framer.banner == "Asterisk Call Manager/11.0.0"


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"S", b"\r\n", BANNER[:-2] + b"x" * 200])
def test_another_service_is_recognised_at_its_first_bytes(greeting):
    with pytest.raises(ProtocolBroken, match="check host and port"):
        Framer().feed(greeting)


def test_a_message_without_end_is_not_collected_for_ever():
    framer = Framer()
    framer.feed(BANNER)
    with pytest.raises(ProtocolBroken, match="a message of more than"):
        for _ in range(LONGEST_MESSAGE // 1_000 + 2):
            framer.feed(b"X: " + b"y" * 995 + b"\r\n")


def test_an_over_long_line_ends_the_connection():
    with pytest.raises(ProtocolBroken, match="a line of more than"):
        Framer().feed(BANNER + b"Event: Ding\r\nX: " + b"y" * LONGEST_LINE + b"\r\n\r\n")


def test_what_is_neither_event_nor_response_is_counted_and_left_out():
    framer = Framer()
    assert shown(framer.feed(BANNER + frame("Hello: there") + frame("Event: Ding"))) == [[("Event", "Ding")]]
    assert framer.strange == 1
