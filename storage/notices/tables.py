"""Notices, and what people wish. Times are µs UTC."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal,
)

from storage.notices.model import ChannelName, NoticeState, Why
from storage.schema import metadata

notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("person", String(40), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("key", String(120), nullable=False),
    Column("cause", String(80), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("text", Text, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("provider_id", String(64), nullable=False, index=True),
    Column("state", String(12), nullable=False),
    Column("why", String(24), nullable=False),
    Column("detail", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("under_way", Boolean, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("sent_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("read_at", BigInteger),
    UniqueConstraint("person", "channel", "key"),
)
"""One row per person and channel. No address: that is looked up when it is sent.

`under_way`: an attempt was begun and has not been written down as ended; `next_at` is then the instant at
which whoever made it must be dead.
"""
waiting = notices.c.state == literal(NoticeState.WAITING.value, literal_execute=True)
"""Written into each statement, not handed over beside it: a server plans what it has prepared without knowing
the values, and could not know that the index below is the one to use."""
Index(
    "ix_notices_waiting",
    notices.c.channel,
    notices.c.urgent,
    notices.c.next_at,
    notices.c.id,
    sqlite_where=waiting,
    postgresql_where=waiting,
)
_on_page = notices.c.channel == ChannelName.PAGE
Index("ix_notices_page", notices.c.person, notices.c.id, sqlite_where=_on_page, postgresql_where=_on_page)
_not_sent = notices.c.state.in_([NoticeState.FAILED, NoticeState.SUPPRESSED])
Index("ix_notices_not_sent", notices.c.id, sqlite_where=_not_sent, postgresql_where=_not_sent)

delayed = notices.c.why == literal(Why.DELAYED.value, literal_execute=True)
Index("ix_notices_delayed", notices.c.id, sqlite_where=delayed, postgresql_where=delayed)

notice_undeliverable = Table(
    "notice_undeliverable",
    metadata,
    Column("address", String(254), primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)
"""In small letters: addresses that mail came back from for good."""

notice_ways = Table(
    "notice_ways",
    metadata,
    Column("person", String(40), primary_key=True),
    Column("channel", String(8), primary_key=True),
    Column("address", String(254), nullable=False),
    Column("wanted", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

notice_quiet = Table(
    "notice_quiet",
    metadata,
    Column("person", String(40), primary_key=True),
    Column("since", Integer, nullable=False),
    Column("until", Integer, nullable=False),
    Column("working_days_only", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
"""Minutes of the day in the bank's zone."""
