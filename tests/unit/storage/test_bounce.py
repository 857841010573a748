"""Pure: what a mail that came back says, and that it is known by our own mark and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from storage.notices.bounce import Bounce, Fate, NotReadable, read_bounce
from storage.notices.returning import Returns, check_returns_address
from tests.support.returned import Returned

NUMBER = "5f" * 16
RETURNS = Returns(address="hotline+*@bank.example", key=b"k" * 32)
PLAIN = Returned()


def test_an_address_that_is_no_good_is_named_with_the_words_of_the_far_end() -> None:
    assert read_bounce(PLAIN.mail()) == Bounce(
        fate=Fate.RETURNED,
        named="hotline@bank.example\nhotline@bank.example",
        status="5.1.1",
        words="smtp; 550 5.1.1 <wang.fang@bank.example>: Recipient address rejected: User unknown",
        gone=frozenset({"wang.fang@bank.example"}),
    )


@pytest.mark.parametrize(
    ("action", "status", "fate", "gone"),
    [
        ("failed", "5.1.1", Fate.RETURNED, True),
        ("Failed", "5.1.10 (recipient not found)", Fate.RETURNED, True),
        ("failed", "5.2.1", Fate.RETURNED, True),
        ("failed", "5.0.0", Fate.RETURNED, True),
        ("failed", "5.2.2", Fate.RETURNED, False),  # the mailbox is full
        ("failed", "5.7.1", Fate.RETURNED, False),  # this mail is not wanted
        ("failed", "4.4.1", Fate.RETURNED, False),  # tried for days: the address may be good
        ("failed", "", Fate.RETURNED, False),
        ("delayed", "4.4.1", Fate.DELAYED, False),
        ("delayed", "5.1.1", Fate.DELAYED, False),
        ("delivered", "2.0.0", Fate.OTHER, False),
        ("relayed", "2.0.0", Fate.OTHER, False),
        ("", "5.1.1", Fate.OTHER, False),
    ],
)
def test_what_becomes_of_it(action: str, status: str, fate: Fate, gone: bool) -> None:
    bounce = read_bounce(replace(PLAIN, action=action, status=status).mail())
    assert (bounce.fate, bool(bounce.gone)) == (fate, gone)


@pytest.mark.parametrize(
    "returned",
    [
        replace(PLAIN, to=RETURNS.sender(NUMBER)),
        replace(PLAIN, to=RETURNS.sender(NUMBER).upper()),
        replace(
            PLAIN,
            original=f"Content-Type: message/rfc822\n\nMessage-ID: <{RETURNS.token(NUMBER)}@b>\n\ntext\n",
        ),
        replace(
            PLAIN, original=f"Content-Type: text/rfc822-headers\n\nMessage-ID: <{RETURNS.token(NUMBER)}@b>\n"
        ),
        replace(
            PLAIN,
            original=f"Content-Type: text/rfc822-headers\n\nReturn-Path: <{RETURNS.sender(NUMBER)}>\n",
        ),
    ],
)
def test_a_mail_of_ours_is_known_wherever_its_mark_comes_back(returned: Returned) -> None:
    assert RETURNS.numbers_in(read_bounce(returned.mail()).named) == [NUMBER]


@pytest.mark.parametrize(
    "returned",
    [
        PLAIN,
        replace(PLAIN, to=f"hotline+{NUMBER}-{'0' * 16}@bank.example"),
        replace(PLAIN, to=f"hotline+{NUMBER}@bank.example"),
        replace(PLAIN, to=Returns(address=RETURNS.address, key=b"other").sender(NUMBER)),
        replace(PLAIN, words=RETURNS.token(NUMBER)),  # said by the far end: not where it counts
        replace(PLAIN, original=f"Content-Type: text/plain\n\nMessage-ID: <{RETURNS.token(NUMBER)}@b>\n"),
    ],
)
def test_what_bears_no_mark_of_ours_is_not_ours(returned: Returned) -> None:
    assert RETURNS.numbers_in(read_bounce(returned.mail()).named) == []


def test_an_address_without_a_place_for_the_mark_is_used_as_it_is() -> None:
    assert Returns(address="back@bank.example", key=b"k").sender(NUMBER) == "back@bank.example"
    for good in ("back@bank.example", "hotline+*@bank.example", "*@returned.bank.example"):
        check_returns_address(good, "mail.returns")
    for bad in ("back", "*", "a*b*@bank.example", "far-too-long-before-it+*@bank.example", "x y*@b.example"):
        with pytest.raises(BadInput, match=r"^mail\.returns: "):
            check_returns_address(bad, "mail.returns")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no report but text/plain"),
        (b"Subject: holiday\n\nI am away until Monday.", "no report"),
        (PLAIN.mail().replace(b"message/delivery-status", b"text/plain"), "no delivery status"),
        (PLAIN.mail().replace(b'; boundary="4B1C"', b""), "cannot be told apart"),
        (PLAIN.mail()[: PLAIN.mail().index(b"Final-Recipient")], "no delivery status"),
        (b"Content-Type: multipart/report; boundary=x\n\n" + b"--x\n" * 5_000, "no delivery status"),
    ],
)
def test_what_is_no_delivery_status_is_not_readable_and_says_why(raw: bytes, why: str) -> None:
    with pytest.raises(NotReadable, match=why):
        read_bounce(raw)


@given(st.data())
def test_hostile_input_is_read_or_refused_and_raises_nothing_else(data: st.DataObject) -> None:
    raw = bytearray(PLAIN.mail())
    for _ in range(data.draw(st.integers(0, 12))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=30))
    try:
        bounce = read_bounce(bytes(raw))
    except NotReadable:
        return
    assert bounce.words.isprintable()
    assert len(bounce.words) <= 300


@given(st.binary(max_size=2_000))
def test_noise_is_refused(raw: bytes) -> None:
    with pytest.raises(NotReadable):
        read_bounce(raw)


def test_a_mail_nested_without_end_is_refused() -> None:
    raw = b"".join(
        b"Content-Type: multipart/report; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(5_000)
    )
    with pytest.raises(NotReadable):
        read_bounce(raw)
