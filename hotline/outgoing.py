"""Calls that we make, put together: ticketing knows whom and why, telephony how, the settings when."""

from __future__ import annotations

from collections.abc import Callable

from core.clock import Clock
from directory.lookup import Directory
from hotline.settings import Settings
from hotline.settings_outgoing import OutgoingSettings
from ledger.consumer import Consumer
from ledger.ledger import Ledger
from storage import Database
from telephony.called_first import CustomerLines
from telephony.outgoing import Order
from telephony.service import Telephony
from ticketing import outgoing
from ticketing.callbacks import Callbacks
from ticketing.outgoing import OutgoingCalls
from ticketing.outgoing_rules import OutgoingRules


def outgoing_calls_of(
    settings: Settings,
    main: Database,
    callbacks: Callbacks,
    telephony: Telephony,
    *,
    directory: Callable[[], Directory],
    clock: Clock,
) -> OutgoingCalls:
    """Calls to customers, from their records; of those who asked for one, when it is their turn."""

    async def dial(
        *, call: str, agent: str, number: str, about: str, record: str, held: bool = False
    ) -> None:
        await telephony.call_out(
            Order(call=call, agent=agent, number=number, about=about, record=record, held=held)
        )

    calls = OutgoingCalls(
        database=main,
        callbacks=callbacks,
        dial=dial,
        rules=outgoing_rules(settings.outgoing),
        calendar=lambda: directory().calendar,
        clock=clock,
    )
    telephony.call_backs.make = calls.call_back
    telephony.call_backs.hours = calls.within_hours
    return calls


def customer_lines(settings: Settings) -> CustomerLines | None:
    """By which lines who keeps a place is called before the agent; None: the agent is rung first."""
    if settings.outgoing.callback_first == "agent":
        return None
    trunks = {node.name: trunk.name for node in settings.nodes for trunk in node.trunks if trunk.outgoing}
    return CustomerLines(trunks=trunks, rings_s=settings.outgoing.answer_within_s)


def outgoing_rules(words: OutgoingSettings) -> OutgoingRules:
    """Whom, when and how often, as the settings say it."""
    return OutgoingRules(
        allow=words.allow,
        first=words.first,
        last=words.last,
        working_days=words.working_days,
        tries=words.tries,
        greeting=words.greeting,
    )


def outgoing_follower(ledger: Ledger, main: Database, calls: OutgoingCalls) -> Consumer:
    """What came of the calls that we made, written back to what they were made for."""
    return Consumer(
        name=outgoing.CONSUMER,
        ledger=ledger,
        database=main,
        handle=calls.follow,
        kinds=outgoing.KINDS,
        linger_s=outgoing.LINGER_S,
    )
