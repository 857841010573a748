"""/metrics of the whole program over HTTP: what is told, and to whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from core import facts as f
from core.clock import SECOND, Instant, system_clock
from core.errors import BadInput
from directory.seed import DEMO, load
from hotline import metrics
from hotline.settings import RetentionSettings
from tests.integration.hotline.test_readiness import at_work, until
from tests.integration.telephony.ami.quiet_node import quiet_node
from tests.integration.ticketing.conftest import running
from tests.integration.web.program import Program, running_program
from tests.support.rawhttp import status_of
from tests.unit.board.story import NOON, QUEUE, Story

TOKEN = "a-token-of-the-tests"
Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]
BEGAN = system_clock()


def clock() -> Instant:
    """The day goes on from noon, so that midnight is far."""
    return NOON + system_clock() - BEGAN


async def scrape(program: Program) -> Figures:
    """Every sample by name and labels."""
    async with program.client.get(program.url / "metrics") as response:
        assert response.status == 200
        text = await response.text()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parsed(text)
        for sample in family.samples
    }


def of(figures: Figures, name: str, **labels: str) -> float:
    return figures[name, tuple(sorted(labels.items()))]


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    async with running_program(load(DEMO), tmp_path, clock=clock) as made:
        await made.hotline.board.start()
        yield made


async def test_queues_calls_and_agents_are_those_of_the_board(program: Program) -> None:
    story = Story(clock() - 60 * SECOND)
    for call, at in (("a", 0), ("b", 1), ("c", 10), ("d", 20)):
        story.joins(call, at=at)
    story.answers("a", "1001", at=0, wait=4, talk=20)
    story.answers("b", "1002", at=1, wait=14, talk=20)
    story.leaves("c", at=10, wait=8, reason=f.LeaveReason.ABANDONED)
    program.hotline.ledger.append([numbered.fact for numbered in story.told()])
    figures = await scrape(program)
    assert of(figures, "hotline_queue_offered_total", queue=QUEUE) == 4
    assert of(figures, "hotline_queue_answered_total", queue=QUEUE) == 2
    assert of(figures, "hotline_queue_answered_within_10s_total", queue=QUEUE) == 1
    assert of(figures, "hotline_queue_answered_in_sl_total", queue=QUEUE) == 1
    assert of(figures, "hotline_queue_abandoned_total", queue=QUEUE) == 1
    assert of(figures, "hotline_queue_waiting", queue=QUEUE) == 1
    assert 40 <= of(figures, "hotline_queue_longest_wait_seconds", queue=QUEUE) < 400
    assert of(figures, "hotline_queue_waiting", queue="loss-en") == 0
    assert of(figures, "hotline_agents", state="ready") == 2
    assert of(figures, "hotline_agents", state="logged_out") == 24
    assert of(figures, "hotline_calls", phase="waiting") == 1
    assert of(figures, "hotline_alarms", alarm="database_down") == 0
    ledger = program.hotline.ledger
    await ledger.readable(ledger.last)
    figures = await scrape(program)
    assert of(figures, "hotline_ledger_facts_total") == ledger.last
    assert of(figures, "hotline_ledger_stored_facts_total") == ledger.last
    assert of(figures, "hotline_ledger_problem") == of(figures, "hotline_ledger_spooled_facts") == 0
    assert of(figures, "hotline_consumer_lag_facts", consumer="calls") == ledger.last
    async with running(program.hotline.calls.consumer.run()):
        await asyncio.wait_for(program.hotline.calls.consumer.caught_up(ledger.last), 10)
    assert of(await scrape(program), "hotline_consumer_lag_facts", consumer="calls") == 0


async def test_a_ledger_that_does_not_reach_its_database_is_seen(program: Program) -> None:
    ledger, facts = program.hotline.ledger, program.hotline.facts
    story = Story(clock())
    story.joins("a", at=0)
    async with facts.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE facts RENAME TO hidden")
    await asyncio.wait_for(ledger.stored(ledger.append([one.fact for one in story.told()])), 10)
    figures = await scrape(program)
    assert of(figures, "hotline_ledger_problem") == 1
    assert of(figures, "hotline_ledger_spooled_facts") == 2
    assert of(figures, "hotline_ledger_facts_total") == 2
    assert of(figures, "hotline_ledger_stored_facts_total") == 0


async def test_nodes_sessions_and_commands(tmp_path: Path) -> None:
    async with quiet_node() as node, at_work(tmp_path, node.port, 9) as program:
        await until(program, lambda checks: checks["node node1"] == "ok")
        await node.answered("Setvar", 1)
        await program.hotline.telephony.told()
        figures = await scrape(program)
        async with asyncio.timeout(30):
            while ("hotline_ami_round_trip_seconds", (("node", "node1"),)) not in figures:
                figures = await scrape(program)
    assert of(figures, "hotline_node_connected", node="node1") == 1
    assert of(figures, "hotline_node_connected", node="node2") == 0
    for role in ("events", "commands", "resync"):
        state = {"node": "node1", "role": role}
        assert of(figures, "hotline_ami_session_state", **state, state="up") == 1
        assert of(figures, "hotline_ami_session_state", **state, state="down") == 0
        assert of(figures, "hotline_ami_session_state", node="node2", role=role, state="up") == 0
    assert 0 <= of(figures, "hotline_ami_silence_seconds", node="node1") < 60
    assert of(figures, "hotline_ami_round_trip_seconds", node="node1") < 60
    assert ("hotline_ami_silence_seconds", (("node", "node2"),)) not in figures
    done = {"node": "node1", "command": "PublishDuty", "outcome": "done"}
    assert of(figures, "hotline_commands_total", **done) >= 1
    assert of(figures, "hotline_commands_total", node="node2", command="HangUp", outcome="refused") == 0


async def test_how_jobs_stand(program: Program) -> None:
    jobs, main = program.hotline.due.jobs, program.hotline.main
    async with main.write() as connection:
        for key, at in (("1", clock() - 60 * SECOND), ("2", clock() + 60 * SECOND)):
            await jobs.put(connection, "reports.remove", key, {"file": key}, at=at)
    figures = await scrape(program)
    assert of(figures, "hotline_jobs", state="waiting") == 2
    assert of(figures, "hotline_jobs", state="running") == of(figures, "hotline_jobs", state="dead") == 0
    assert 60 <= of(figures, "hotline_jobs_oldest_due_seconds") < 400
    assert of(figures, "hotline_jobs_problem") == 0
    async with main.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE jobs RENAME TO hidden")
    figures = await scrape(program)
    assert ("hotline_jobs_oldest_due_seconds", ()) not in figures
    assert of(figures, "hotline_ledger_problem") == 0


async def test_a_night_that_removes_nothing_is_seen(tmp_path: Path) -> None:
    kept = RetentionSettings(facts_months=6)
    async with running_program(load(DEMO), tmp_path, retention=kept) as program:
        assert of(await scrape(program), "hotline_retention_problem") == 0
        async with program.hotline.main.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE retention_runs RENAME TO hidden")
        async with running(program.hotline.retention.run()), asyncio.timeout(30):
            while of(await scrape(program), "hotline_retention_problem") != 1:
                pass


async def test_requests_are_counted_by_route_and_status(program: Program) -> None:
    await program.sign_in("1001")
    for path in ("api/calls/x", "api/calls/y", "api/board", "nothing/of/the/kind"):
        async with program.client.get(program.url / path):
            pass
    async with program.client.request("PROPFIND", program.url / "health"):
        pass
    figures = await scrape(program)

    def count(method: str, route: str, status: str) -> float:
        return of(figures, "hotline_http_requests_total", method=method, route=route, status=status)

    assert count("POST", "/api/session", "200") == 1
    assert count("GET", "/api/calls/{call}", "404") == 2
    assert count("GET", "/api/board", "403") == 1
    assert count("GET", "(page)", "404") == 1
    assert count("other", "(page)", "405") == 1
    spent = {"method": "POST", "route": "/api/session", "status": "200"}
    assert of(figures, "hotline_http_request_seconds_total", **spent) > 0


async def test_the_process_is_watched_too(program: Program) -> None:
    figures = await scrape(program)
    assert of(figures, "process_resident_memory_bytes") > 1_000_000
    assert of(figures, "process_open_fds") < of(figures, "process_max_fds")


async def test_a_part_that_fails_leaves_the_others_whole(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_watched: metrics.Watched) -> None:
        raise ZeroDivisionError

    parts = {**metrics._PARTS, "board": broken}
    monkeypatch.setattr(metrics, "_PARTS", parts)
    figures = await scrape(program)
    assert of(figures, "hotline_metrics_failed", part="board") == 1
    assert of(figures, "hotline_metrics_failed", part="ledger") == 0
    assert ("hotline_ledger_problem", ()) in figures
    assert not any(name == "hotline_agents" for name, _ in figures)


async def test_openmetrics_is_spoken_to_who_asks_for_it(program: Program) -> None:
    headers = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
    async with program.client.get(program.url / "metrics", headers=headers) as response:
        assert response.content_type == "application/openmetrics-text"
        assert (await response.text()).endswith("# EOF\n")
    async with program.client.get(program.url / "metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


# ------------------------------------------------------------------ to whom


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_what_a_proxy_has_passed_on_is_refused(program: Program, name: str) -> None:
    async with program.client.get(program.url / "metrics", headers={name: "192.0.2.7"}) as response:
        assert response.status == 403
        assert "metrics.token_file" in (await response.json(content_type=None))["detail"]


async def test_with_a_token_everyone_has_to_show_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", "ascii")
    file.chmod(0o640)
    async with running_program(load(DEMO), tmp_path, metrics={"token_file": file}) as program:
        for given, status in (
            ({}, 401),
            ({"Authorization": f"Bearer {TOKEN}x"}, 401),
            ({"Authorization": TOKEN}, 401),
            ({"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "192.0.2.7"}, 200),
        ):
            async with program.client.get(program.url / "metrics", headers=given) as response:
                assert response.status == status
                assert TOKEN not in await response.text()
                assert (response.headers.get("WWW-Authenticate") == "Bearer") == (status == 401)
        assert await status_of(program.url, "GET", "/metrics", b"Authorization: Bearer \xff") == 401


async def test_a_token_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"metrics\.token_file"):
        async with running_program(load(DEMO), tmp_path, metrics={"token_file": tmp_path / "none"}):
            pass
