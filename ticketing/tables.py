"""Summaries, what is owed, call-backs, work orders. Times are µs UTC; texts are as the rules leave them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from storage.schema import metadata

number_series = Table(
    "number_series",
    metadata,
    Column("series", String(2), primary_key=True),
    Column("day", String(8), primary_key=True),
    Column("last", Integer, nullable=False),
)
"""The last count given out per day; raised in the transaction that uses it, never lowered."""

summary_duties = Table(
    "summary_duties",
    metadata,
    Column("leg", String(40), primary_key=True),
    Column("call", String(36), nullable=False),
    Column("agent", String(8), nullable=False),
    Column("queue", String(32), nullable=False),
    Column("answered_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("settled_at", BigInteger),
    Column("summary", String(24)),
)
"""One row per leg that was talked on: owed from `ended_at` until `settled_at`."""
Index(
    "ix_summary_duties_owed",
    summary_duties.c.agent,
    summary_duties.c.ended_at,
    sqlite_where=summary_duties.c.settled_at.is_(None),
    postgresql_where=summary_duties.c.settled_at.is_(None),
)

summaries = Table(
    "summaries",
    metadata,
    Column("number", String(24), primary_key=True),
    Column("leg", String(40), nullable=False, unique=True),
    Column("call", String(36), nullable=False, index=True),
    Column("agent", String(8), nullable=False),
    Column("queue", String(32), nullable=False),
    Column("saved_at", BigInteger, nullable=False),
    Column("saved_by", String(8), nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", String(100), nullable=False),
    Column("customer_name", String(100), nullable=False),
    Column("contact", String(100), nullable=False),
    Column("account", String(100), nullable=False),
    Column("content", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("follow_up", Text, nullable=False),
    Column("nature", String(20)),
    Column("urgency", String(20)),
    Column("language", String(8), nullable=False),
    Column("suggestion", Boolean, nullable=False),
    Column("read_back", Boolean, nullable=False),
    Column("hang_up_reason", Text, nullable=False),
    Column("reported_to", String(8), nullable=False),
    Column("callback_to", String(40), nullable=False),
    Column("callback_due", BigInteger),
)

summary_revisions = Table(
    "summary_revisions",
    metadata,
    Column("number", String(24), ForeignKey("summaries.number"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("saved_at", BigInteger, nullable=False),
    Column("saved_by", String(8), nullable=False),
    Column("body", Text, nullable=False),
)
"""What a summary said before it was changed: version, whose it was, and its text as JSON."""

callback_tasks = Table(
    "callback_tasks",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("cause", String(12), nullable=False),
    Column("call", String(36), nullable=False),
    Column("leg", String(40), nullable=False),
    Column("summary", String(24), ForeignKey("summaries.number")),
    Column("owner", String(8), nullable=False),
    Column("number", String(40), nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Column("done_by", String(8), nullable=False),
    Column("outcome", String(200), nullable=False),
    Column("spoken_in", String(36), nullable=False),
    Column("spoken_by", String(8), nullable=False),
    Column("spoken_at", BigInteger),
)
Index("ix_callback_tasks_owner", callback_tasks.c.owner, callback_tasks.c.due_at)

outgoing_calls = Table(
    "outgoing_calls",
    metadata,
    Column("call", String(36), primary_key=True),
    Column("about", String(8), nullable=False),
    Column("record", String(60), nullable=False),
    Column("agent", String(8), nullable=False),
    Column("number", String(20), nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("outcome", String(16)),
    Column("ended_at", BigInteger),
)
"""Calls that we make, each written down before anybody is dialled. `started_at`: the ledger knows of it."""
Index("ix_outgoing_calls_record", outgoing_calls.c.about, outgoing_calls.c.record, outgoing_calls.c.begun_at)
Index(
    "ix_outgoing_calls_under_way",
    outgoing_calls.c.about,
    outgoing_calls.c.record,
    unique=True,
    sqlite_where=outgoing_calls.c.outcome.is_(None),
    postgresql_where=outgoing_calls.c.outcome.is_(None),
)
"""One at a time for one record: the lease that keeps a customer from being dialled twice."""

tickets = Table(
    "tickets",
    metadata,
    Column("number", String(24), primary_key=True),
    Column("summary", String(24), ForeignKey("summaries.number"), nullable=False, index=True),
    Column("call", String(36), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("urgency", String(20)),
    Column("customer_name", String(100), nullable=False),
    Column("gender", String(8), nullable=False),
    Column("contact", String(100), nullable=False),
    Column("account", String(100), nullable=False),
    Column("intake_type", String(100), nullable=False),
    Column("business", String(100), nullable=False),
    Column("product", String(100), nullable=False),
    Column("channel", String(100), nullable=False),
    Column("channel_concerned", String(100), nullable=False),
    Column("content", Text, nullable=False),
    Column("branch", String(100), nullable=False),
    Column("unit", String(100), nullable=False),
    Column("attachment", String(100), nullable=False),
    Column("limit_told", Boolean, nullable=False),
    Column("reply_limit", String(40), nullable=False),
    Column("agent", String(8), nullable=False),
    Column("agent_name", String(100), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("limit_told_at", BigInteger),
    Column("submitted_at", BigInteger),
)

ticket_events = Table(
    "ticket_events",
    metadata,
    Column("ticket", String(24), ForeignKey("tickets.number"), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("by", String(8), nullable=False),
    Column("before", String(16), nullable=False),
    Column("after", String(16), nullable=False),
)
"""Every arrow a ticket has gone along, in order; rows are never changed."""

bulletins = Table(
    "bulletins",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("title", String(60), nullable=False),
    Column("text", Text, nullable=False),
    Column("author", String(8), nullable=False),
    Column("written_at", BigInteger, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger, nullable=False),
    Column("approved_by", String(8)),
    Column("approved_at", BigInteger),
    Column("withdrawn_by", String(8)),
    Column("withdrawn_at", BigInteger),
)
"""公告. Who has read one stands with the notices that announced it (cause `bulletin:<id>`)."""
