"""Listening over a real socket: ranges, rights, purpose, and the row that comes first."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.clock import system_clock
from directory.rights import RIGHTS
from recordings.api import RecordingsApi
from recordings.playback import Player
from storage.audit import access_log
from tests.integration.recordings.conftest import LEG, NODE, Archive
from tests.integration.recordings.sounds import whole
from tests.integration.ticketing.conftest import CALL
from tests.integration.web.site import FakePeople, Site, running_site

SIDES = "node1-1700000000.40"
PEOPLE = {
    "1001": {"recordings.play.own"},
    "1002": {"recordings.play.own"},
    "1003": {"summaries.write"},
    "7001": {"recordings.play"},
    "9001": {"recordings.audit"},
}


@dataclass(slots=True)
class Booth:
    """A site with one filed recording, made of `raw`."""

    site: Site
    archive: Archive
    raw: bytes

    async def listen(
        self, query: str = "?purpose=quality", method: str = "GET", leg: str = LEG, **headers: str
    ) -> tuple[int, bytes, Mapping[str, str]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = str(self.site.url)[:-1] + f"/api/recordings/{leg}/audio{query}"
        async with self.site.client.request(method, url, headers=named) as response:
            return response.status, await response.read(), response.headers

    async def rows(self) -> int:
        async with self.archive.main.read() as connection:
            return len((await connection.execute(access_log.select())).all())


@pytest.fixture
async def booth(archive: Archive, tmp_path: Path) -> AsyncIterator[Booth]:
    raw = whole(archive.folder / f"{CALL}_{LEG}.wav", seconds=20)
    await archive.leg()
    await archive.filed()
    folders = {NODE: archive.folder}
    player = Player(database=archive.main, folders=folders, clock=system_clock)
    api = RecordingsApi(player=player, database=archive.main, folders=folders, clock=system_clock)
    people = FakePeople(dict(PEOPLE), every_right=frozenset(RIGHTS))
    async with running_site(api.routes(), tmp_path, people=people) as site:
        yield Booth(site, archive, raw)


@pytest.mark.rule("QA-10", "SEC-11")
async def test_listening_sends_the_file_and_leaves_a_row(booth: Booth) -> None:
    await booth.site.sign_in("7001")
    status, body, headers = await booth.listen("?purpose=complaint&reason=投诉复核")
    assert (status, body) == (200, booth.raw)
    assert (headers["Content-Type"], headers["Accept-Ranges"]) == ("audio/wav", "bytes")
    assert headers["Cache-Control"] == "no-store"
    await booth.site.sign_in("9001")
    _, told = await booth.site.call("GET", f"/api/recordings/{LEG}/accesses")
    assert [(one["staff"], one["action"], one["purpose"], one["reason"]) for one in told["accesses"]] == [
        ("7001", "play", "complaint", "投诉复核")
    ]


@pytest.mark.rule("QA-10", "SEC-11")
@pytest.mark.parametrize("query", ["", "?purpose=", "?purpose=curiosity", "?reason=because"])
async def test_without_a_purpose_of_the_list_nothing_is_sent(booth: Booth, query: str) -> None:
    await booth.site.sign_in("7001")
    status, body, _ = await booth.listen(query)
    assert status == 422
    assert b"query.purpose" in body
    assert await booth.rows() == 0


@pytest.mark.rule("SEC-11")
@pytest.mark.parametrize(("staff", "status"), [("1001", 200), ("1002", 403), ("1003", 403), ("9001", 403)])
async def test_agents_hear_their_own_legs_only(booth: Booth, staff: str, status: int) -> None:
    await booth.site.sign_in(staff)
    assert (await booth.listen())[0] == status
    assert await booth.rows() == (1 if status == 200 else 0)
    _, told = await booth.site.call("GET", f"/api/recordings?call={CALL}")
    assert len(told["recordings"]) == (1 if status == 200 else 0)


async def test_nobody_who_is_not_signed_in_hears_anything(booth: Booth) -> None:
    assert (await booth.listen())[0] == 401
    assert await booth.rows() == 0


@pytest.mark.rule("QA-10")
async def test_without_the_row_not_a_byte_is_sent(booth: Booth) -> None:
    await booth.site.sign_in("7001")
    async with booth.archive.main.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE access_log RENAME TO hidden")
    status, body, _ = await booth.listen()
    assert status == 503
    assert booth.raw[:100] not in body


async def test_ranges(booth: Booth) -> None:
    await booth.site.sign_in("7001")
    size = len(booth.raw)
    _, _, headers = await booth.listen()
    etag = headers["ETag"]
    status, body, headers = await booth.listen(Range="bytes=100-199")
    assert (status, body) == (206, booth.raw[100:200])
    assert (headers["Content-Range"], headers["Content-Length"]) == (f"bytes 100-199/{size}", "100")
    status, body, _ = await booth.listen(Range="bytes=-70000")
    assert (status, body) == (206, booth.raw[-70000:])
    status, body, _ = await booth.listen(Range="bytes=10-19", If_Range=etag)
    assert (status, body) == (206, booth.raw[10:20])
    status, body, _ = await booth.listen(Range="bytes=10-19", If_Range='"another"')
    assert (status, len(body)) == (200, size)
    status, body, _ = await booth.listen(Range="bytes=0-1,5-6")
    assert (status, len(body)) == (200, size)
    before = await booth.rows()
    status, body, headers = await booth.listen(Range=f"bytes={size}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{size}")
    assert await booth.rows() == before


async def test_two_sides_are_heard_as_stereo_from_any_byte_on(booth: Booth) -> None:
    base = await booth.archive.leg(SIDES, ended=False)
    customer = whole(booth.archive.folder / f"{base}-customer.wav", of=bytes(range(250)))
    agent = whole(booth.archive.folder / f"{base}-agent.wav", of=bytes(range(250, 0, -1)))
    await booth.archive.leg(SIDES)
    await booth.archive.filed(2)
    await booth.site.sign_in("7001")
    status, body, headers = await booth.listen(leg=SIDES)
    assert status == 200
    with wave.open(io.BytesIO(body)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (2, 8000)
        frames = sound.readframes(sound.getnframes())
    assert frames[0::4] + frames[1::4] == customer[44::2] + customer[45::2]
    assert frames[2::4] + frames[3::4] == agent[44::2] + agent[45::2]
    for first, last in ((0, 0), (40, 50), (43, 44), (45, 46), (1001, 1003), (len(body) - 3, len(body) - 1)):
        status, some, headers = await booth.listen(leg=SIDES, Range=f"bytes={first}-{last}")
        assert (status, some) == (206, body[first : last + 1])
        assert headers["Content-Range"] == f"bytes {first}-{last}/{len(body)}"
    assert (await booth.listen("?purpose=quality&part=agent", leg=SIDES))[1] == agent


async def test_head_tells_the_size_and_sends_nothing(booth: Booth) -> None:
    await booth.site.sign_in("7001")
    status, body, headers = await booth.listen(method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(booth.raw)))
    status, body, headers = await booth.listen(method="HEAD", Range="bytes=0-9")
    assert (status, body, headers["Content-Length"]) == (206, b"", "10")


async def test_a_file_that_is_gone_changed_or_linked_is_not_played(booth: Booth) -> None:
    await booth.site.sign_in("7001")
    path = booth.archive.folder / f"{CALL}_{LEG}.wav"
    path.write_bytes(booth.raw + b"more")
    assert (await booth.listen())[0] == 409
    path.unlink()
    assert (await booth.listen())[0] == 409
    other = booth.archive.folder / "other"
    other.write_bytes(booth.raw)
    path.symlink_to(other)
    status, body, _ = await booth.listen()
    assert status == 409
    assert b"is a link" in body
    assert (await booth.listen("?purpose=quality&part=agent"))[0] == 409
    assert await booth.rows() == 0


async def test_unknown_legs_and_nodes(booth: Booth) -> None:
    await booth.site.sign_in("7001")
    missing = "/api/recordings/node1-1700000000.77/audio?purpose=quality"
    assert (await booth.site.call("GET", missing))[0] == 404
    assert (await booth.site.call("GET", "/api/recordings/..%2F..%2Fetc/audio?purpose=quality"))[0] in {
        404,
        422,
    }
    await booth.site.sign_in("9001")
    status, told = await booth.site.call("GET", f"/api/recordings/audit?node={NODE}")
    assert (status, told["findings"]) == (200, [])
    assert (await booth.site.call("GET", "/api/recordings/audit?node=nowhere"))[0] == 404
