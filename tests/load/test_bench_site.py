"""The benches' own floor, small: a few real calls, with the service stopped and with it running."""

from __future__ import annotations

import asyncio

import pytest

from bench import processor
from bench.board import ages_on, watched
from bench.site import Wants, site
from bench.stores import Kind, stores
from bench.traffic import Traffic, play, quiet

LOAD = Traffic(rate=3, seconds=2)
pytestmark = pytest.mark.asterisk


async def test_every_call_is_rated_without_and_with_the_service_and_the_board_shows_them() -> None:
    async with site(Wants(agents=20), wrapper=()) as there:
        alone = await play(there, LOAD)
        assert (alone.customers.succeeded, alone.rated, alone.failed) == (6, 6, 0)
        assert alone.kept_pace
        await quiet(there)

        await there.start_service()
        before = processor.seconds(there.service.pid)
        async with watched(there) as screen:
            served = await play(there, LOAD)
            await asyncio.sleep(0.5)
        assert (served.customers.succeeded, served.rated, served.failed) == (6, 6, 0)
        assert processor.seconds(there.service.pid) > before
        ages = await ages_on(there, screen)
        assert len(ages) == 6 * LOAD.calls
        assert ages[0] > 0 and ages[-1] < 2_000


async def test_a_server_that_the_service_stores_in_is_counted_with_it() -> None:
    with stores(Kind.POSTGRESQL) as kept:
        async with site(Wants(agents=10, stores=kept), wrapper=()) as there:
            await there.start_service()
            before = processor.seconds_of_family(kept.processes())
            served = await play(there, LOAD)
            await asyncio.sleep(2)  # the list of calls is written a second behind
            assert (served.rated, served.failed) == (LOAD.calls, 0)
            assert processor.seconds_of_family(kept.processes()) > before
            assert processor.seconds_of_family(kept.processes()[-1:]) > 0, "the live feed went to Redis"
            assert not list(there.settings.data_dir.glob("*.db"))


async def test_calls_that_nobody_answers_are_failed_calls() -> None:
    async with site(Wants(agents=1), wrapper=()) as there:
        outcome = await play(there, LOAD)
        assert outcome.customers.succeeded == LOAD.calls, "the customers themselves notice nothing"
        assert outcome.failed >= LOAD.calls - 2
