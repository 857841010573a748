"""Tables of customers. Times are µs UTC; `until` is an ISO date of the bank's calendar."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from storage.schema import metadata

customers = Table(
    "customers",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", String(8), nullable=False),
    Column("name", String(100), nullable=False),
    Column("level", String(12), nullable=False),
    Column("language", String(8), nullable=False),
    Column("until", String(10)),
)

customer_numbers = Table(
    "customer_numbers",
    metadata,
    Column("customer", String(24), ForeignKey("customers.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("number", String(24), nullable=False),
)
"""One number may be several customers': a family's landline."""
Index("ix_customer_numbers_number", customer_numbers.c.number)

customer_changes = Table(
    "customer_changes",
    metadata,
    Column("customer", String(24), ForeignKey("customers.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(8), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("before", Text),
    Column("after", Text, nullable=False),
)
"""`before` and `after`: details as JSON; rows are never changed."""

customer_notes = Table(
    "customer_notes",
    metadata,
    Column("customer", String(24), ForeignKey("customers.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(8), nullable=False),
    Column("text", Text, nullable=False),
)
"""Rows are never changed."""
