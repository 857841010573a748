"""The rights there are, by name. Roles in the seed are made of these; routes ask for them by the same name.

The list follows §19 of the rule register as far as something to be protected exists already. docs/rights.md
shows which role has which, and what asks for it (`./run hotline rights --write`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

CHANGE: Final = "directory.change"

RIGHTS: Final = MappingProxyType(
    {
        "agents.act": "log in on a device, be ready or not ready, log out: for oneself",
        "agents.command": "do the same for another: leader's orders, end a wrap-up",
        "agents.read": "see the state of all agents",
        "alarms.acknowledge": "take an alarm upon oneself",
        "board.read": "see the live figures and the calls behind them",
        "calls.read": "look up any call and its facts",
        "calls.read.own": "look up the calls one has handled oneself",
        "help.raise": "ask the leader for help without a word (CALL-22)",
        "help.answer": "answer and end a request for help",
        "recordings.play": "listen to any recording, for a stated purpose",
        "recordings.play.own": "listen to recordings of one's own legs, for a stated purpose",
        "recordings.audit": "see who listened to what, and which files are missing",
        "reports.read": "see the figures over time, of every queue and agent, and take them away as a sheet",
        "summaries.write": "write the summary of one's own call",
        "summaries.correct": "write or change the summary of another's call",
        "summaries.read": "read any summary",
        "tickets.open": "open a work order from a summary",
        "tickets.read": "read any work order",
        "tickets.read.own": "read the work orders one has handled oneself (SEC-04)",
        "audit.read": "see who looked at which recording, summary or work order, why and when (SEC-17)",
        "directory.read": "see staff, queues and lists as they are kept, and every change of them",
        CHANGE: "change them: people, rights, skills, queues, lists, thresholds (SEC-05)",
        "passwords.reset": "make a new initial password for somebody else, which ends their sessions",
        "sessions.end": "see and end other people's sessions",
        "admin": "settings, nodes, health in detail",
    }
)
"""Right → what it lets a person do."""
