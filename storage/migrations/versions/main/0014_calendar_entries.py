"""The working calendar among the entries of the directory.

The service takes it in at its next start, with its history, from the file that the settings name. A program
from before knows no such entries: for it they are taken away. What was changed stays in the history, and from
there the service takes it in again.
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    op.execute("DELETE FROM directory_entries WHERE section IN ('calendar', 'holiday_notices')")
