"""A report as a spreadsheet (.xlsx): an overview, a row an interval with a chart, a row each. Pure.

Numbers are numbers, times are times in the bank's zone, everything else is text that no program takes for a
formula. What cannot be computed stays empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from io import BytesIO
from operator import attrgetter
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart
from xlsxwriter.worksheet import Worksheet

from board.figures import TOTAL, AgentInterval, GapFigures, QueueInterval
from board.formulas import AGENT_INTERVAL_FORMULAS, QUEUE_FORMULAS, Formula
from board.report_words import WORDS, Words
from board.reports import AgentReport, QueueReport
from core.clock import Instant, moment

Interval = QueueInterval | AgentInterval
_DIVISORS = {"ms": 1000, "time": 24 * 60 * 60 * 1000}
"""From a figure's milliseconds to what is shown: seconds, days."""
_FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet knows no time zones
_FORMATS = {"count": "#,##0", "fraction": "0.0%", "ms": "0.0", "time": "[h]:mm:ss", "score": "0.00"}
"""By unit. Means are shown in seconds, time in all as hours, minutes and seconds."""
_HEAD_ROW = 2
_CHARTED = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a sheet says about itself. `names`: how queues or agents are called, by code."""

    since: Instant
    until: Instant
    made_at: Instant
    counted: int
    gaps: Sequence[GapFigures]
    names: Mapping[str, str]
    zone: ZoneInfo
    language: str = "zh"


def sheet_of(report: QueueReport | AgentReport, about: About) -> bytes:
    """The file."""
    return _Book(report, about).made()


class _Book:
    """One workbook while it is made."""

    def __init__(self, report: QueueReport | AgentReport, about: About) -> None:
        self._report, self._about = report, about
        self._words: Words = WORDS[about.language]
        self._of_agents = isinstance(report, AgentReport)
        self._columns = columns_of(AgentInterval if self._of_agents else QueueInterval)
        self._file = BytesIO()
        self._day_numbers: dict[str, float] = {}
        options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = Workbook(self._file, options)
        self._book.set_properties({"created": self._local(moment(about.made_at))})
        self._text = self._book.add_format({"quote_prefix": True})
        self._strong = self._book.add_format({"bold": True, "quote_prefix": True})
        self._head = self._book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "quote_prefix": True}
        )
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"})
        self._of_unit = {unit: self._book.add_format({"num_format": form}) for unit, form in _FORMATS.items()}

    def made(self) -> bytes:
        """All three sheets, written."""
        words = self._words
        self._overview(self._sheet(words.overview))
        by_time = self._sheet(words.by_time)
        self._table(by_time, self._report.total, named=False)
        self._chart(by_time, len(self._report.total[:_CHARTED]))
        self._table(self._sheet(words.detail), self._report.rows, named=True)
        self._book.close()
        return self._file.getvalue()

    # -------------------------------------------------------------- sheets

    def _sheet(self, name: str) -> Worksheet:
        sheet = self._book.add_worksheet(name)
        sheet.write_string(0, 0, self._title(), self._strong)
        return sheet

    def _title(self) -> str:
        since, until = (moment(at, self._about.zone) for at in (self._about.since, self._about.until))
        kind = self._words.of_agents if self._of_agents else self._words.of_queues
        return f"{kind} {since:%Y-%m-%d %H:%M} – {until:%Y-%m-%d %H:%M} ({self._about.zone.key})"

    def _overview(self, sheet: Worksheet) -> None:
        self._table(sheet, self._report.whole, named=True, timed=False)
        row = _HEAD_ROW + len(self._report.whole) + 3
        made = moment(self._about.made_at, self._about.zone)
        said = self._words.basis.format(counted=self._about.counted, made=f"{made:%Y-%m-%d %H:%M:%S}")
        sheet.write_string(row, 0, said, self._text)
        sheet.write_string(row + 1, 0, self._words.formulas, self._text)
        for line, gap in enumerate(self._about.gaps, row + 3):
            sheet.write_string(line, 0, self._words.gap, self._text)
            sheet.write_string(line, 1, gap.node, self._text)
            for column, at in ((2, gap.since), (3, gap.until)):
                sheet.write_datetime(line, column, self._local(datetime.fromisoformat(at)), self._time)
            sheet.write_string(line, 4, gap.cause, self._text)

    def _table(self, sheet: Worksheet, rows: Sequence[Interval], *, named: bool, timed: bool = True) -> None:
        heads = [self._words.start, self._words.end] if timed else []
        heads += [self._words.code, self._words.name] if named else []
        figures = [self._heading(each) for each in self._columns]
        for column, head in enumerate([*heads, *figures]):
            sheet.write_string(_HEAD_ROW, column, head, self._head)
        sheet.set_column(0, len(heads) - 1, 17)
        sheet.set_column(len(heads), len(heads) + len(figures) - 1, 11)
        sheet.freeze_panes(_HEAD_ROW + 1, len(heads))
        # Half a million cells in a large sheet: whatever is the same for all of a column is found out here.
        values = attrgetter(*(each.figure for each in self._columns))
        forms = [(_DIVISORS.get(each.unit, 0), self._of_unit[each.unit]) for each in self._columns]
        write = sheet.write_number
        for line, interval in enumerate(rows, _HEAD_ROW + 1):
            column = self._key(sheet, line, interval, named=named, timed=timed)
            for value, (divisor, form) in zip(values(interval), forms, strict=True):
                if value is not None:
                    write(line, column, value / divisor if divisor else value, form)
                column += 1

    def _key(self, sheet: Worksheet, line: int, interval: Interval, *, named: bool, timed: bool) -> int:
        column = 0
        if timed:
            for at in (interval.start, interval.end):
                sheet.write_number(line, column, self._day_number(at), self._time)
                column += 1
        if named:
            code = interval.agent if isinstance(interval, AgentInterval) else interval.queue
            name = self._words.all if code == TOTAL else self._about.names.get(code, "")
            for text in (code, name):
                sheet.write_string(line, column, text, self._text)
                column += 1
        return column

    def _chart(self, sheet: Worksheet, intervals: int) -> None:
        """How much came and was answered, as columns; how good it was, as a line on an axis of its own."""
        if not intervals:
            return
        bars = ("answered", "talks") if self._of_agents else ("offered", "answered")
        line = "occupancy" if self._of_agents else "sl10"
        chart, rate = self._new_chart("column"), self._new_chart("line")
        for figure in bars:
            chart.add_series(self._series(sheet, figure, intervals))
        rate.add_series(self._series(sheet, line, intervals) | {"y2_axis": True})
        chart.combine(rate)
        chart.set_title({"name": self._title(), "name_font": {"size": 11}})
        chart.set_x_axis({"num_format": "mm-dd hh:mm", "text_axis": True})
        rate.set_y2_axis({"num_format": "0%", "min": 0, "max": 1})
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": 1_100, "height": 380})
        sheet.insert_chart(_HEAD_ROW + intervals + 3, 0, chart)

    def _new_chart(self, kind: str) -> Chart:
        chart = self._book.add_chart({"type": kind})
        if chart is None:
            raise ValueError(f"{kind!r} is no kind of chart")
        return chart

    def _series(self, sheet: Worksheet, figure: str, intervals: int) -> dict[str, object]:
        names = [each.figure for each in self._columns]
        column, first, last = 2 + names.index(figure), _HEAD_ROW + 1, _HEAD_ROW + intervals
        return {
            "name": [sheet.name, _HEAD_ROW, column],
            "categories": [sheet.name, first, 0, last, 0],
            "values": [sheet.name, first, column, last, column],
        }

    # -------------------------------------------------------------- words and forms

    def _heading(self, formula: Formula) -> str:
        name = formula.name_zh if self._about.language == "zh" else formula.name_en
        return f"{name} ({self._words.seconds})" if formula.unit == "ms" else name

    def _day_number(self, at: str) -> float:
        """A time as a sheet keeps it: days since its own beginning. Each border stands in many rows."""
        if at not in self._day_numbers:
            since = self._local(datetime.fromisoformat(at)) - _FIRST_DAY
            self._day_numbers[at] = since / timedelta(days=1)
        return self._day_numbers[at]

    def _local(self, at: datetime) -> datetime:
        """A sheet knows no time zones: the bank's own clock, as on the wall."""
        return at.astimezone(self._about.zone).replace(tzinfo=None)


def columns_of(kind: type[Interval]) -> tuple[Formula, ...]:
    """The figures of an interval, in the order of the published formulas."""
    formulas = AGENT_INTERVAL_FORMULAS if kind is AgentInterval else QUEUE_FORMULAS
    there = {each.name for each in fields(kind)}
    return tuple(each for each in formulas if each.figure in there)
