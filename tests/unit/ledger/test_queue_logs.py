"""The files of a queue log, read as far as a period needs them: real files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from core.clock import MINUTE, SECOND, Instant
from core.errors import BadInput
from ledger.queue_logs import QueueLogs, born

SINCE = 1_790_000_000 * SECOND
UNTIL = SINCE + 1_000 * SECOND


def line(second: int, channel: str = "", event: str = "ENTERQUEUE") -> str:
    """A line `second` s after the period's beginning; of a channel born then unless another is named."""
    at = 1_790_000_000 + second
    return f"{at}|{channel or f'node1-{at}.1'}|card-cmn|NONE|{event}||138|1\n"


def channels(logs: QueueLogs) -> list[str]:
    logs.read_up_to(UNTIL + 60 * MINUTE)
    return [channel.removeprefix("node1-1790") for channel in logs.left()]


def test_a_channel_says_when_it_was_born() -> None:
    assert born("node1-1790000000.10") == SINCE
    assert born("1790000000.10") == SINCE
    assert born("my-node-1790000000.10") == SINCE
    assert born("MANAGER") is None


def test_rotated_files_are_one_log_whatever_rotated_them(tmp_path: Path) -> None:
    files = {
        "queue_log-20260919.gz": line(-9_000) + line(-100),
        "queue_log.2.gz": line(-50) + line(100),
        "queue_log.1": line(200),
        "queue_log.0": line(300),
        "queue_log": line(400) + line(1_200),
        "queue_log.bak": line(500),
        "messages": "something else\n",
    }
    for name, text in files.items():
        data = text.encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (tmp_path / "queue_log.3").touch()
    with QueueLogs(tmp_path, SINCE, UNTIL) as logs:
        assert logs.begins_at == SINCE - 9_000 * SECOND
        logs.read_up_to(SINCE + 250 * SECOND)
        assert logs.files_read == {"queue_log.2.gz", "queue_log.1"}  # no more than that needs
        assert channels(logs) == ["000100.1", "000200.1", "000300.1", "000400.1"]
        assert logs.files_read == {"queue_log.2.gz", "queue_log.1", "queue_log.0", "queue_log"}


def test_lines_are_found_by_their_number_in_the_middle_of_a_long_file(tmp_path: Path) -> None:
    old = "".join(line(second) for second in range(-20_000, -100))
    (tmp_path / "queue_log").write_text(old + line(5) + line(5, "node1-1790000005.1", "ABANDON") + line(7))
    assert len(old) > 1_000_000
    with QueueLogs(tmp_path, SINCE, UNTIL) as logs:
        logs.read_up_to(SINCE + 5 * SECOND)
        joined, gone = logs.take("node1-1790000005.1")
        assert (joined.number, gone.number) == (19_901, 19_902)
        assert gone.place == "queue_log line 19902"
        assert logs.lines == 2
        assert logs.take("node1-1790000005.1") == []
        assert channels(logs) == ["000007.1"]


def test_channels_of_other_days_are_not_kept(tmp_path: Path) -> None:
    over_midnight = "node1-1790000990.1"
    (tmp_path / "queue_log").write_text(
        line(3, "node1-1789999000.1")
        + line(995, over_midnight)
        + line(1_100, "node1-1790001100.1")
        + line(1_200, over_midnight, "ABANDON")
    )
    with QueueLogs(tmp_path, SINCE, UNTIL) as logs:
        assert channels(logs) == ["000990.1"]
        assert [each.event for each in logs.take(over_midnight)] == ["ENTERQUEUE", "ABANDON"]


def test_restarts_bad_lines_and_a_line_being_written(tmp_path: Path) -> None:
    (tmp_path / "queue_log").write_text(
        f"{line(1)}\0\0\0garbage\n{line(5, 'NONE', 'QUEUESTART')}{line(7).rstrip()}"
    )
    refused: list[BadInput] = []
    with QueueLogs(tmp_path, SINCE, UNTIL, refused=refused.append) as logs:
        assert channels(logs) == ["000001.1"]
        assert logs.restarts == [SINCE + 5 * SECOND]
    assert [problem.where for problem in refused] == [f"{tmp_path}/queue_log:2"]


@pytest.mark.parametrize("there", [True, False])
def test_without_a_log_there_is_nothing(tmp_path: Path, there: bool) -> None:
    with QueueLogs(tmp_path if there else tmp_path / "log", SINCE, UNTIL) as logs:
        assert logs.begins_at is None
        assert channels(logs) == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    whole = gzip.compress("".join(line(second) for second in range(-200, 500)).encode(), 0)
    (tmp_path / "queue_log.1.gz").write_bytes(whole[: len(whole) // 2])
    with (
        pytest.raises(BadInput, match=r"queue_log\.1\.gz: cannot be read to its end"),
        QueueLogs(tmp_path, SINCE, UNTIL) as logs,
    ):
        channels(logs)
    (tmp_path / "queue_log.1.gz").write_bytes(b"not zipped at all")
    with pytest.raises(BadInput, match=r"queue_log\.1\.gz: cannot be read"):
        QueueLogs(tmp_path, SINCE, UNTIL)


def test_a_rotation_meanwhile_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "queue_log.0").write_text(line(1))
    (tmp_path / "queue_log").write_text(line(2))
    moments: list[Instant] = [SINCE + SECOND, UNTIL]
    with QueueLogs(tmp_path, SINCE, UNTIL) as logs:
        logs.read_up_to(moments[0])
        (tmp_path / "queue_log.0").rename(tmp_path / "queue_log.1")
        (tmp_path / "queue_log").rename(tmp_path / "queue_log.0")
        (tmp_path / "queue_log").write_text(line(3))
        assert channels(logs) == ["000001.1", "000002.1"]
