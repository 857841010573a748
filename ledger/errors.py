"""What can go wrong with the ledger.

LedgerError
├── LedgerTaken     another program writes this ledger
├── LedgerClosed    used before open() or after close()
├── LedgerFailed    the writer has stopped on an error it cannot handle
├── LedgerDamaged   what was read is not what was written
└── SpoolDamaged    the same, of the spool file
"""

from __future__ import annotations

from core.errors import HotlineError


class LedgerError(HotlineError):
    """Root of this package's errors."""


class LedgerTaken(LedgerError):
    """Two writers would give the same number to two facts."""


class LedgerClosed(LedgerError):
    """The ledger takes facts between open() and close() only."""


class LedgerFailed(LedgerError):
    """Facts after the last stored one are in memory alone."""


class LedgerDamaged(LedgerError):
    """A stored fact cannot be read."""


class SpoolDamaged(LedgerDamaged):
    """A line of the spool cannot be read."""
