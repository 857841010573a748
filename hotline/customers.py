"""Customers, put together: where a number is looked up, who hears of it, what the nodes know of them."""

from __future__ import annotations

from collections.abc import Callable

from core.clock import MILLISECOND, SECOND, Clock
from customers.api import CustomersApi
from customers.breaker import Breaker
from customers.caller_api import CallerApi
from customers.history import CallerHistory
from customers.identify import Identifier
from customers.lookup import Lookup
from customers.service import Customers
from customers.source import CustomerSource, HttpSource, OwnTable
from directory.credentials import Credentials
from directory.lookup import Directory
from hotline.customer_files import CustomerFiles
from hotline.customer_files_api import CustomerFilesApi
from hotline.node import customer_key
from hotline.settings import Settings
from hotline.settings_customers import CustomersSettings
from ledger.calls import CallBook
from ledger.ledger import Ledger
from web.route import Route


def identifier_of(
    wanted: CustomersSettings, customers: Customers, ledger: Ledger, clock: Clock
) -> Identifier:
    """It asks the bank's system if the settings name one, else our own table."""
    remote = HttpSource(wanted.url, wanted.token.get_secret_value()) if wanted.url else None
    source: CustomerSource = remote or OwnTable(customers)
    breaker = Breaker(failures=wanted.failures, open_for=round(wanted.open_s * SECOND))
    lookup = Lookup(source, limit=wanted.limit_ms * MILLISECOND, breaker=breaker, clock=clock)
    return Identifier(lookup, ledger, clock, source=remote)


def customer_files_of(
    settings: Settings,
    customers: Customers,
    directory: Callable[[], Directory],
    credentials: Credentials,
    clock: Clock,
) -> CustomerFiles:
    """Their names are made with the key that the nodes' dialplans are rendered with."""
    key = customer_key(credentials)
    return CustomerFiles(settings.nodes, customers, directory, key=key, clock=clock, zone=settings.zone_info)


def customer_routes(customers: Customers, calls: CallBook, files: CustomerFiles) -> list[Route]:
    """Everything that is asked of customers and of who calls."""
    return [
        *CustomersApi(customers).routes(),
        *CallerApi(calls, CallerHistory(customers, calls)).routes(),
        *CustomerFilesApi(files).routes(),
    ]
