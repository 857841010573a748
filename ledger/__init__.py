"""Facts in their order: the book, those who read it with a cursor of their own, and its proof."""

from ledger.consumer import Consumer
from ledger.ledger import Ledger, LedgerHealth

__all__ = ["Consumer", "Ledger", "LedgerHealth"]
