"""Lines of queue_log as app_queue writes them."""

from __future__ import annotations

import pytest

from core.errors import BadInput
from ledger.queue_log import read_queue_log

LINES = """\
1790000000|NONE|NONE|NONE|QUEUESTART|
1790000001|MANAGER|card-cmn|1001|ADDMEMBER|
1790000002|node1-1790000000.10|card-cmn|NONE|ENTERQUEUE||13800000001|1
1790000005|node1-1790000000.10|card-cmn|1001|CONNECT|3|node1-1790000002.11|2
1790000035|node1-1790000000.10|card-cmn|1001|COMPLETEAGENT|3|30|1
1790000036|node1-1790000000.20|card-cmn|NONE|EXITWITHTIMEOUT|1|1|30
1790000037|node1-1790000000.30|card-cmn|1002|RINGNOANSWER|4000
"""


def test_every_line_is_read_with_its_own_fields() -> None:
    lines = read_queue_log(LINES.splitlines(keepends=True))
    assert [line.event for line in lines] == [text.split("|")[4] for text in LINES.splitlines()]
    connect, complete, timeout = lines[3:6]
    assert (connect.call, connect.queue, connect.agent) == ("node1-1790000000.10", "card-cmn", "1001")
    assert (connect.waited_s, connect.data[1]) == (3, "node1-1790000002.11")
    assert (complete.talked_s, complete.waited_s) == (30, None)
    assert timeout.waited_s == 30
    assert [line.is_of_a_call for line in lines] == [False, False, True, True, True, True, True]


def test_a_line_still_being_written_is_left_for_the_next_time() -> None:
    lines = read_queue_log((LINES + "1790000038|node1-179").splitlines(keepends=True))
    assert len(lines) == 7


@pytest.mark.parametrize("bad", ["hello\n", "x|a|b|c|d|\n", "1|2|3\n"])
def test_what_is_no_queue_log_is_named_with_its_line(bad: str) -> None:
    with pytest.raises(BadInput, match=r"^queue_log:2: .*is no line of a queue log"):
        read_queue_log(["1790000000|NONE|NONE|NONE|QUEUESTART|\n", bad])


def test_a_field_that_is_no_number_is_no_time() -> None:
    (line,) = read_queue_log(["1790000036|n-1.2|card-cmn|NONE|ABANDON|1|1|soon\n"])
    assert line.waited_s is None
