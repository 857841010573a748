"""The lease on a real PostgreSQL: one holds it, and nobody appends under one that another has taken since."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from psycopg import OperationalError

from core.clock import SECOND
from core.facts import DeviceContactChanged
from ledger.entry import Entry, written
from ledger.store import FactStore
from storage import Database, DatabaseDown, Superseded
from storage.leadership import Leadership
from storage.lease import Lease, LeaseLost, LeaseRunOut, Tenure, end_forgotten
from storage.lease_rules import Look, Row
from tests.support.databases import ServerDatabases
from tests.support.postgres import Cluster

pytestmark = pytest.mark.postgresql
TERM = 10 * SECOND


@pytest.fixture
async def facts(server_databases: ServerDatabases) -> AsyncIterator[Database]:
    database = Database(server_databases.url("ledger", "ledger"), name="ledger", answer_timeout_ms=2_000)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def lease(facts: Database) -> Lease:
    return Lease(facts, term=TERM)


async def take(lease: Lease, token: str) -> Tenure:
    """By this token, from whoever has it."""
    row = (await lease.look()).row
    tenure = await lease.take(row, token=token, holder=f"host:{token}", address="")
    assert tenure is not None
    return tenure


async def row_of(lease: Lease) -> Row:
    row = (await lease.look()).row
    assert row is not None
    return row


def entry(number: int) -> Entry:
    return written(number, DeviceContactChanged(at=number, device="d001", reachable=True))


async def test_it_is_taken_renewed_and_given_up_by_the_databases_clock(lease: Lease) -> None:
    assert await lease.look() == Look(None)
    first = await take(lease, "a")
    row = await row_of(lease)
    assert (row.token, row.fence, row.expires - row.renewed) == ("a", 1, TERM)
    assert await lease.renew(first)
    renewed = await row_of(lease)
    assert renewed.renewed > row.renewed
    await lease.give_up(first)
    assert (await row_of(lease)).given_up
    second = await take(lease, "b")
    assert second.fence == 2
    assert not await lease.renew(first)
    await lease.give_up(first)
    assert not (await row_of(lease)).given_up, "it is not the first one's any more"


async def test_of_many_who_have_seen_the_same_lease_one_takes_it(lease: Lease) -> None:
    for fence in (1, 2):
        seen = (await lease.look()).row
        tries = [lease.take(seen, token=f"{fence}-{n}", holder="h", address="") for n in range(6)]
        won = [tenure for tenure in await asyncio.gather(*tries) if tenure is not None]
        assert [tenure.fence for tenure in won] == [fence]
        assert (await row_of(lease)).token == won[0].token


async def test_a_lease_that_was_renewed_after_the_look_is_not_taken(lease: Lease) -> None:
    tenure = await take(lease, "a")
    seen = await row_of(lease)
    await lease.renew(tenure)
    assert await lease.take(seen, token="b", holder="h", address="") is None


async def test_whoever_takes_over_ends_the_claim_and_the_old_one_appends_no_more(
    facts: Database, lease: Lease, server_databases: ServerDatabases
) -> None:
    async with AsyncExitStack() as stack:
        old = FactStore(facts, tenure=await take(lease, "a"))
        stack.push_async_callback(old.close)
        await old.claim()
        await old.add([entry(1)])
        new = FactStore(facts, tenure=await take(lease, "b"))
        stack.push_async_callback(new.close)
        await new.claim()
        with pytest.raises(DatabaseDown):  # its connection is gone
            await old.add([entry(2)])
        with pytest.raises(Superseded, match="host:b leads now"):
            await old.add([entry(2)])
        await new.add([entry(2)])
    assert server_databases.ask("ledger", "SELECT seq FROM facts ORDER BY seq") == [(1,), (2,)]


async def test_who_waits_for_the_claim_as_if_frozen_is_ended_too(
    facts: Database, lease: Lease, server_databases: ServerDatabases, server: Cluster
) -> None:
    """A server lets such a program have the claim as soon as it is free, however dead it is."""
    old = FactStore(facts, tenure=await take(lease, "a"))
    await old.claim()
    name = server_databases.url("ledger").rpartition("/")[2]
    with server.connect(name) as waiting:
        lock = "SELECT pg_advisory_lock(hashtextextended('appender of facts', 0))"
        frozen = asyncio.create_task(asyncio.to_thread(waiting.execute, lock))
        async with asyncio.timeout(20):
            waits = "SELECT 1 FROM pg_locks WHERE NOT granted"
            while not server_databases.ask("ledger", waits):  # noqa: ASYNC110 - a state, not an event
                await asyncio.sleep(0.01)
        new = FactStore(facts, tenure=await take(lease, "b"))
        await new.claim()
        await asyncio.gather(frozen, return_exceptions=True)  # it may have had the claim for a moment
        with pytest.raises(OperationalError):
            await asyncio.to_thread(waiting.execute, "SELECT 1")
    await new.add([entry(1)])
    await new.close()
    await old.close()


async def test_only_where_somebody_stood_by_a_lease_that_has_run_out_stops_the_leader(
    lease: Lease, server: Cluster, server_databases: ServerDatabases
) -> None:
    """By its own clock: it cannot tell a database that is down from one that only others reach."""
    now = 0.0
    leads = Leadership(lease, await take(lease, "a"), taken_at=0.0, every_s=1.0, now=lambda: now)
    await leads.ask()
    with server.stopped():
        now = 60.0
        await leads.ask()
        await leads.drives()
    assert await lease.standby() is None
    await lease.stand_by("host:b", "0123456789ab")
    there = await lease.standby()
    assert there is not None
    assert (there.holder, there.edition, there.there) == ("host:b", "0123456789ab", True)
    await leads.ask()
    with server.stopped():
        now = 69.9
        await leads.ask()
        await leads.drives()
        now = 70.0
        with pytest.raises(LeaseRunOut, match="not been renewed for 10 s"):
            await leads.drives()
        await leads.sure()  # what it has to say goes to its spool
    await leads.ask()
    await leads.drives()
    server_databases.ask("ledger", "UPDATE leases SET expires = 1 WHERE name = 'standby'")
    await leads.ask()
    assert not leads.stood_by, "it is gone for longer than a term"
    gone = await lease.standby()
    assert gone is not None
    assert (gone.there, gone.silent >= there.silent) == (False, True)
    assert (await row_of(lease)).token == "a"


async def test_a_leader_stays_one_while_the_database_is_away_and_knows_when_it_is_not(
    lease: Lease, server: Cluster
) -> None:
    now = 0.0
    leads = Leadership(lease, await take(lease, "a"), taken_at=0.0, every_s=1.0, now=lambda: now)
    with server.stopped():
        now = 60.0
        assert await leads.ask()
        assert leads.problem
        await leads.sure()
    assert leads.unrenewed_s == 60
    await take(lease, "b")
    now = 120.0
    sure = asyncio.create_task(leads.sure())
    assert not (await asyncio.wait([sure], timeout=0.05))[0], "after a pause it asks first"
    assert not await leads.ask()
    with pytest.raises(LeaseLost, match=r"host:b leads, by fence 2"):
        await sure
    with pytest.raises(LeaseLost):
        await leads.run()


async def test_a_unit_of_work_that_a_frozen_program_has_begun_is_ended(
    facts: Database, server_databases: ServerDatabases, server: Cluster
) -> None:
    name = server_databases.url("ledger").rpartition("/")[2]
    with server.connect(name, user="postgres") as other, server.connect(name) as frozen:
        for connection in (other, frozen):
            connection.execute("BEGIN")
            connection.execute("SELECT pg_advisory_xact_lock_shared(1)")
        await end_forgotten(facts, TERM)
        frozen.execute("SELECT 1")
        await end_forgotten(facts, 0)
        with pytest.raises(OperationalError):
            frozen.execute("SELECT 1")
        other.execute("SELECT 1")  # another role's are not ours to end
