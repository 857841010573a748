"""`hotline proof`: a day of the ledger against each node's queue log, its recordings and its summaries.

It reads in pages, and may run beside the service; `deploy/systemd` has a timer for it. What each node has
logged and recorded is looked for in the node's own folder. That a day has been proved is written down:
retention leaves the facts of any other day alone.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import msgspec

from core.clock import Clock, Instant, moment, system_clock
from core.errors import BadInput
from hotline import configuration
from hotline.content import add_config
from hotline.databases import existing
from hotline.settings import Settings
from ledger.proof_calls import Mismatch
from ledger.proof_day import DayLogs, DayProof, Found, day_of
from ledger.queue_logs import QueueLogs
from ledger.store import FactStore
from ledger.tables import proved_days
from recordings.folder import Folder
from recordings.model import Status
from recordings.proof import prove_recordings
from storage import upsert
from ticketing.proof import OWED, WRITTEN, prove_summaries

FAR: Instant = 1 << 62
"""Later than anything a ledger holds."""
_MISSING = "{file} is not there: has the service ever run with these settings?"


@dataclass(slots=True, kw_only=True)
class Counts:
    """What was looked at. `log_lines`: by node; `log_files`: those of them that the day needed."""

    first_fact: int = 0
    last_fact: int = 0
    calls: int = 0
    left_out: int = 0
    log_lines: dict[str, int] = field(default_factory=dict)
    log_files: dict[str, list[str]] = field(default_factory=dict)
    answered: int = 0
    recordings: Counter[Status] = field(default_factory=Counter)
    talks: int = 0
    summaries: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it. `node`: empty if all were proved."""

    day: date
    zone: str
    node: str
    counts: Counts = field(default_factory=Counts)
    found: Found = field(default_factory=Found)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hotline proof`."""
    add_config(parser)
    parser.add_argument(
        "--day", type=_day, metavar="YYYY-MM-DD", help="a day of the bank's zone; else yesterday"
    )
    parser.add_argument("--node", default="", help="only the calls of this node")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines for people")


def run(arguments: argparse.Namespace) -> int:
    """0 if all agree, 1 if anything does not."""
    settings = configuration.load(arguments.config)
    report = asyncio.run(prove_day(settings, day=arguments.day, node=arguments.node))
    print(as_json(report) if arguments.json else as_text(report), flush=True)
    return 1 if report.found.total else 0


async def prove_day(
    settings: Settings, *, day: date | None = None, node: str = "", clock: Clock = system_clock
) -> Report:
    """Prove one day, by default yesterday. `BadInput` for a day to come or a node that nobody has named."""
    now = clock()
    today = moment(now, settings.zone_info).date()
    day = today - timedelta(days=1) if day is None else day
    if day > today:
        raise BadInput("--day", f"{day} is still to come: name a day up to {today}")
    nodes = {each.name: each.directory for each in settings.nodes if node in ("", each.name)}
    if node and not nodes:
        raise BadInput("--node", f"the settings name no node {node[:40]!r}: look at [[nodes]]")
    report = Report(day=day, zone=settings.zone, node=node)
    period = day_of(day, settings.zone_info)
    with ExitStack() as stack:
        logs = {
            name: stack.enter_context(
                QueueLogs(folder / "log", period.since, period.until, refused=report.found.unreadable)
            )
            for name, folder in nodes.items()
        }
        await _prove(settings, report, DayLogs(period, logs), nodes, now)
    return report


async def _prove(
    settings: Settings, report: Report, logs: DayLogs, nodes: Mapping[str, Path], now: Instant
) -> None:
    counts, found = report.counts, report.found
    folders = {name: Folder(folder / "recordings") for name, folder in nodes.items()}
    async with (
        existing(settings.ledger_url, "ledger", missing=_MISSING) as ledger,
        existing(settings.main_url, "main", missing=_MISSING) as main,
    ):
        store = FactStore(ledger)
        removed = await store.removed()
        if removed is not None and logs.period.since <= removed.newest_at:
            raise BadInput("--day", f"{report.day} can be proved no longer: {removed}")
        proof = DayProof(store, logs, found, now=now, node=report.node)
        async for stories in proof.calls():
            answers = [answer for story in stories for answer in story.answers]
            talks = [talk for story in stories for talk in story.talks.values()]
            counts.answered += len(answers)
            counts.talks += len(talks)
            found.add(await prove_recordings(main, answers, folders, counts.recordings, now))
            found.add(await prove_summaries(main, talks, counts.summaries))
        if await store.span(logs.period.until, FAR) is None:  # the day's last facts may not be stored yet
            found.add(_spooled(settings.data_dir / "ledger.spool"))
        if not report.node and logs.period.until <= now:
            row = {"day": report.day.isoformat(), "proved_at": now, "mismatches": found.total}
            async with main.write() as connection:
                await upsert(connection, proved_days, [row])
    counts.first_fact, counts.last_fact = proof.first, proof.last
    counts.calls, counts.left_out = proof.proved, proof.left_out
    counts.log_lines = {name: log.lines for name, log in logs.by_node.items()}
    counts.log_files = {name: sorted(log.files_read) for name, log in logs.by_node.items()}


def _spooled(spool: Path) -> Iterator[Mismatch]:
    if spool.exists():
        yield Mismatch(
            subject=str(spool),
            rule="spool",
            ledger="no more than what it has stored",
            witness=f"facts wait in {spool.name}",
            explanation="what they tell is not proved: see why the ledger's database refuses them",
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as 2026-11-24") from error


# ------------------------------------------------------------------ what is said


def as_text(report: Report) -> str:
    """Counts, then a line for each mismatch, for people."""
    counts, found = report.counts, report.found
    of_node = f", calls of {report.node}" if report.node else ""
    lines = [f"proof of {report.day} ({report.zone}){of_node}"]
    facts = f"{counts.first_fact} to {counts.last_fact}" if counts.last_fact else "none"
    lines.append(f"facts       {facts}")
    lines.append(f"calls       {counts.calls} proved, {counts.left_out} left out: not over yet")
    for node, number in counts.log_lines.items():
        files = ", ".join(counts.log_files[node]) or "no queue log of that day"
        lines.append(f"queue log   {number} lines of {node}: {files}")
    kept = ", ".join(f"{number} {status}" for status, number in sorted(counts.recordings.items()))
    lines.append(f"recordings  {counts.answered} legs answered; {kept or 'none in the catalogue'}")
    written, owed = counts.summaries[WRITTEN], counts.summaries[OWED]
    lines.append(f"summaries   {counts.talks} talks ended; {written} written, {owed} owed")
    rules = ", ".join(f"{number} {rule}" for rule, number in sorted(found.by_rule.items()))
    lines.append(f"mismatches  {found.total}" + (f": {rules}" if rules else ""))
    lines += [_line(mismatch) for mismatch in found.kept]
    if found.total > len(found.kept):
        lines.append(f"… and {found.total - len(found.kept)} more: look for one cause of them all")
    return "\n".join(lines)


def _line(mismatch: Mismatch) -> str:
    return (
        f"MISMATCH ({mismatch.rule}) {mismatch.subject}: the ledger says {mismatch.ledger}, "
        f"the witness {mismatch.witness}; {mismatch.explanation}"
    )


def as_json(report: Report) -> str:
    """The same for programs; `mismatches` may hold fewer than `mismatches_total`."""
    told = {
        "day": report.day.isoformat(),
        "zone": report.zone,
        "node": report.node,
        "counts": report.counts,
        "mismatches_total": report.found.total,
        "mismatches_by_rule": report.found.by_rule,
        "mismatches": report.found.kept,
    }
    return msgspec.json.encode(told).decode()
