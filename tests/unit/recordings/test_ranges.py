from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.ranges import NotSatisfiable, Span, span_asked, still_same


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 0)),
        ("bytes=10-", Span(10, 99)),
        ("bytes=-10", Span(90, 99)),
        ("bytes=-1000", Span(0, 99)),
        ("bytes=90-1000", Span(90, 99)),
        ("Bytes=5-6", Span(5, 6)),
    ],
)
def test_a_range_inside_the_file(header: str, span: Span) -> None:
    assert span_asked(header, 100) == span


IGNORED = [None, "", "bytes=-", "bytes=9-5", "bytes=0-1,5-6", "items=0-1", "bytes=x-"]


@pytest.mark.parametrize("header", IGNORED)
def test_what_is_no_single_range_is_ignored(header: str | None) -> None:
    assert span_asked(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_the_file_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(NotSatisfiable, match="100 bytes"):
        span_asked(header, 100)


@given(first=st.integers(0, 300), last=st.integers(0, 300), size=st.integers(1, 200))
def test_whatever_is_sent_lies_inside_the_file(first: int, last: int, size: int) -> None:
    try:
        span = span_asked(f"bytes={first}-{last}", size)
    except NotSatisfiable:
        assert first >= size
        return
    if span is None:
        assert last < first
    else:
        assert 0 <= span.first <= span.last < size
        assert span.size == span.last - span.first + 1


def test_if_range_sends_a_part_only_of_the_very_same_file() -> None:
    assert still_same(None, '"a"')
    assert still_same(' "a" ', '"a"')
    assert not still_same('"b"', '"a"')
    assert not still_same('W/"a"', '"a"')
    assert not still_same("Sun, 22 Nov 2026 00:00:00 GMT", '"a"')
