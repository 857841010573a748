"""The rights there are, by name. Roles in the seed are made of these; routes ask for them by the same name.

A role grants a right as far as its scope goes (`web.scope`): `calls.read.team` opens the calls of one's team,
`calls.read` all of them. Only those in SCOPED are about somebody's records, and have scopes. The list follows
§19 of the rule register as far as something to be protected exists already. docs/rights.md shows which role
has which, how far, and what asks for it (`./run hotline rights --write`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from web.scope import NARROWER, joined

CHANGE: Final = "directory.change"
READ: Final = "directory.read"

RIGHTS: Final = MappingProxyType(
    {
        "agents.act": "log in on a device, be ready or not ready, log out: for oneself",
        "agents.command": "do the same for another: leader's orders, end a wrap-up",
        "agents.lend": "put an agent into other queues for the rest of the day",
        "agents.read": "see what agents are doing",
        "alarms.acknowledge": "take an alarm upon oneself",
        "board.read": "see the live figures and the calls behind them",
        "calls.move": "let a waiting caller wait in another queue",
        "bulletins.approve": "approve another's announcement, or take one back (KB-10)",
        "bulletins.write": "write announcements, and see who has read them (KB-10)",
        "calls.command": "take over another's call, or end it",
        "calls.join": "listen to an agent's call as it goes on, whisper to the agent, speak with both",
        "calls.read": "look up calls and their facts: a call is an agent's who was offered it (SEC-04)",
        "help.raise": "ask the leader for help without a word (CALL-22)",
        "help.answer": "answer and end a request for help",
        "recordings.play": "listen to recordings of agents' legs, for a stated purpose (QA-10)",
        "recordings.audit": "see who listened to what, and which files are missing",
        "reports.read": "see the figures over time, of queues and agents, and take them away as a sheet",
        "summaries.write": "write the summary of one's own call",
        "summaries.correct": "write or change the summary of another's call, and do what they owe",
        "summaries.read": "read another's summary",
        "tickets.open": "open a work order from a summary",
        "tickets.read": "read another's work order (SEC-04: one's own is open to everybody)",
        "customers.find": "find customers by telephone number, names and numbers masked",
        "customers.read": "read a customer's whole record, notes and history, for a stated purpose (SEC-15)",
        "customers.note": "write a note on a customer",
        "customers.change": "keep and change customers, one by one or by spreadsheet",
        "audit.read": "see who looked at which recording, summary, ticket or customer, why, when (SEC-17)",
        READ: "see staff, queues and lists as they are kept, and every change of them",
        CHANGE: "change them: people, rights, skills, queues, lists, thresholds (SEC-05)",
        "passwords.reset": "make a new initial password for somebody else, which ends their sessions",
        "sessions.end": "see and end other people's sessions",
        "admin": "settings, nodes, health in detail",
    }
)
"""Right → what it lets a person do."""

SCOPED: Final = frozenset(
    {
        "agents.command",
        "agents.lend",
        "agents.read",
        "audit.read",
        "calls.command",
        "calls.join",
        "calls.read",
        CHANGE,
        READ,
        "help.answer",
        "passwords.reset",
        "recordings.play",
        "reports.read",
        "sessions.end",
        "summaries.correct",
        "summaries.read",
        "tickets.read",
    }
)
"""Rights that may be granted for one's own, team's or unit's alone."""

GRANTS: Final = (
    *RIGHTS,
    *(joined(right, scope) for right in RIGHTS if right in SCOPED for scope in NARROWER),
)
"""Everything a role may be given, as it is written there."""
