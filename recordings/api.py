"""/api/recordings: the catalogue, listening with byte ranges, who listened, files against catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from aiohttp import web

from core.clock import Clock
from core.errors import NotFound
from recordings.audit import audit_node
from recordings.folder import Folder
from recordings.playback import PLAY, Listening, Player
from recordings.ranges import NotSatisfiable, Span, span_asked, still_same
from recordings.schemas import (
    AccessesOut,
    FindingsOut,
    ListenIn,
    OfCall,
    OfNode,
    RecordingsOut,
    access_out,
    finding_out,
    recording_out,
)
from recordings.sound import Sound
from storage import Database
from web.problems import Problem
from web.route import ApiRequest, Route

_CHUNK = 1 << 16
_AUDIO = "audio/wav"


class RecordingsApi:
    """The handlers. `folders`: node → its recordings folder."""

    def __init__(
        self, *, player: Player, database: Database, folders: Mapping[str, Path], clock: Clock
    ) -> None:
        self._player = player
        self._database = database
        self._folders = dict(folders)
        self._clock = clock

    def routes(self) -> list[Route]:
        """The routes of this module."""
        path, tag = "/api/recordings", "recordings"
        return [
            Route(
                method="GET",
                path=path,
                handler=self._of_call,
                right="",
                wider=(PLAY,),
                scoped=True,
                query=OfCall,
                returns=RecordingsOut,
                summary="The recordings of a call that one may listen to",
                tag=tag,
            ),
            Route(
                method="GET",
                path=f"{path}/audit",
                handler=self._audit,
                right="recordings.audit",
                query=OfNode,
                returns=FindingsOut,
                summary="Files without a row, rows without a file",
                tag=tag,
            ),
            Route(
                method="GET",
                path=f"{path}/{{leg}}/audio",
                handler=self._listen,
                right=PLAY,
                scoped=True,
                query=ListenIn,
                produces=_AUDIO,
                summary="Listen, as far as recordings.play reaches; leaves a row",
                tag=tag,
            ),
            Route(
                method="GET",
                path=f"{path}/{{leg}}/accesses",
                handler=self._accesses,
                right="recordings.audit",
                returns=AccessesOut,
                summary="Who listened to a leg",
                tag=tag,
            ),
        ]

    async def _of_call(self, request: ApiRequest) -> RecordingsOut:
        query: OfCall = request.query
        found = await self._player.of_call(request.person, query.call)
        return RecordingsOut(recordings=[recording_out(one) for one in found])

    async def _audit(self, request: ApiRequest) -> FindingsOut:
        query: OfNode = request.query
        if query.node not in self._folders:
            raise NotFound(f"there is no node {query.node[:40]!r}: nodes are {', '.join(self._folders)}")
        folder = Folder(self._folders[query.node])
        findings = await audit_node(self._database, query.node, folder, self._clock())
        return FindingsOut(node=query.node, findings=[finding_out(one) for one in findings])

    async def _accesses(self, request: ApiRequest) -> AccessesOut:
        leg = request.path["leg"]
        found = await self._player.heard_by(leg)
        return AccessesOut(leg=leg, accesses=[access_out(one) for one in found])

    async def _listen(self, request: ApiRequest) -> web.StreamResponse:
        query: ListenIn = request.query
        wish = Listening(leg=request.path["leg"], purpose=query.purpose, reason=query.reason, part=query.part)
        sound = await self._player.open(request.person, wish)
        with closing(sound):
            try:
                span = _span(request.raw, sound)
            except NotSatisfiable as error:
                return _outside(error).response(request.request_id)
            head_only = request.raw.method == "HEAD"
            await self._player.note(request.person, wish, "look" if head_only else "play")
            response = _headed(sound, span)
            await response.prepare(request.raw)
            if not head_only:
                await _send(response, sound, span or Span(0, sound.size - 1))
            await response.write_eof()
        return response


def _span(raw: web.Request, sound: Sound) -> Span | None:
    if not still_same(raw.headers.get("If-Range"), sound.etag):
        return None
    return span_asked(raw.headers.get("Range"), sound.size)


def _headed(sound: Sound, span: Span | None) -> web.StreamResponse:
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": sound.etag,
        "Cache-Control": "no-store",
        "Content-Disposition": f'inline; filename="{sound.name}"',
    }
    if span is not None:
        headers["Content-Range"] = f"bytes {span.first}-{span.last}/{sound.size}"
    response = web.StreamResponse(status=206 if span else 200, headers=headers)
    response.content_type = _AUDIO
    response.content_length = span.size if span else sound.size
    return response


async def _send(response: web.StreamResponse, sound: Sound, span: Span) -> None:
    first = span.first
    while first <= span.last:
        chunk = await asyncio.to_thread(sound.read, first, min(_CHUNK, span.last + 1 - first))
        if not chunk:  # shortened under our hands: the promised length now fails at the client, as it should
            return
        first += len(chunk)
        await response.write(chunk)


def _outside(error: NotSatisfiable) -> Problem:
    headers = {"Content-Range": f"bytes */{error.size}"}
    return Problem("range-not-satisfiable", "Range outside the recording", 416, str(error), headers=headers)
