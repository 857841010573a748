"""Requests that no client library would send."""

from __future__ import annotations

import asyncio

from yarl import URL


async def status_of(url: URL, method: str, path: str, *headers: bytes) -> int:
    """The status of the answer to a request without a body; `headers`: whole lines, as bytes."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    fixed = (b"Host: here", b"Content-Length: 0", b"Connection: close")
    writer.write(b"\r\n".join((f"{method} {path} HTTP/1.1".encode(), *fixed, *headers, b"", b"")))
    try:
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
        await writer.wait_closed()
