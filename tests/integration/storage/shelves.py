"""Two small tables to try a database with."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, Text, select

from storage import Database

tables = MetaData()
shelf = Table("shelf", tables, Column("id", Integer, primary_key=True, autoincrement=False))
book = Table(
    "book",
    tables,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("shelf", ForeignKey("shelf.id", ondelete="CASCADE")),
    Column("title", Text),
    Column("mark", String(2)),
)


async def count(database: Database, table: Table) -> int:
    """How many rows everybody sees."""
    async with database.read() as connection:
        return len((await connection.execute(select(table))).all())
