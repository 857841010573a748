"""The two sets of tables, and the rule by which their constraints are named.

Every feature's `tables.py` registers its tables with `metadata` (the main database). The ledger's facts live
in a database of their own (`ledger_metadata`), so that a slow report never holds up the writing of facts.
Constraint names follow one convention, because a migration can only change what has a name.
"""

from __future__ import annotations

from sqlalchemy import MetaData

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)
ledger_metadata = MetaData(naming_convention=NAMING_CONVENTION)
