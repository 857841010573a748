"""What is sent to a database, word for word."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Executable, event
from sqlalchemy.ext.asyncio import AsyncConnection


async def sent_for(connection: AsyncConnection, statement: Executable) -> str:
    """Carry `statement` out; its text as the database was given it."""
    texts: list[str] = []

    def note(_: Any, __: Any, text: str, *___: Any) -> None:
        texts.append(text)

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    try:
        await connection.execute(statement)
    finally:
        event.remove(connection.sync_connection, "before_cursor_execute", note)
    (text,) = texts
    return text
