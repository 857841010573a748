"""What recordings refuses.

RecordingsError
├── UnsafeFile      a name or a file that no recording has: outside the folder, a link, not a file
└── NotPlayable     catalogued, but there is nothing whole to play (409)
"""

from __future__ import annotations

from core.errors import Conflict, HotlineError
from web.errors import Forbidden


class RecordingsError(HotlineError):
    """Root of the errors of this package."""


class UnsafeFile(RecordingsError):
    """Refused before a byte of it was read."""


class NotPlayable(Conflict, RecordingsError):
    """The message says what is wrong with the file."""


class NotYours(Forbidden, RecordingsError):
    """The leg is another agent's, and the person may listen to their own only, or to none."""
