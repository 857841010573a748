"""The two sets of tables, and the rule by which their constraints are named.

Every feature's `tables.py` registers its tables with `metadata` (the main database). The ledger's facts live
in a database of their own (`ledger_metadata`), so that a slow report never holds up the writing of facts.
Constraint names follow one convention, because a migration can only change what has a name.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, String
from sqlalchemy.ext.compiler import compiles

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


@compiles(String, "postgresql")
def _text(_kind: String, _compiler: Any, **_: Any) -> str:
    """The length of a `String` says what fits; it is held where people write, as on SQLite.

    A column that refused an overlong name from outside would stop the ledger, or a consumer, for good.
    """
    return "TEXT"


metadata = MetaData(naming_convention=NAMING_CONVENTION)
ledger_metadata = MetaData(naming_convention=NAMING_CONVENTION)
