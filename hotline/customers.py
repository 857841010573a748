"""Who calls, put together: where a number is looked up, and who hears of it."""

from __future__ import annotations

from core.clock import MILLISECOND, SECOND, Clock
from customers.breaker import Breaker
from customers.identify import Identifier
from customers.lookup import Lookup
from customers.service import Customers
from customers.source import CustomerSource, HttpSource, OwnTable
from hotline.settings_customers import CustomersSettings
from ledger.ledger import Ledger


def identifier_of(
    wanted: CustomersSettings, customers: Customers, ledger: Ledger, clock: Clock
) -> Identifier:
    """It asks the bank's system if the settings name one, else our own table."""
    remote = HttpSource(wanted.url, wanted.token.get_secret_value()) if wanted.url else None
    source: CustomerSource = remote or OwnTable(customers)
    breaker = Breaker(failures=wanted.failures, open_for=round(wanted.open_s * SECOND))
    lookup = Lookup(source, limit=wanted.limit_ms * MILLISECOND, breaker=breaker, clock=clock)
    return Identifier(lookup, ledger, clock, source=remote)
