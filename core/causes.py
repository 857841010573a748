"""Why a channel was hung up, by number (Q.850): the same for calls that are heard and that are read back."""

from __future__ import annotations

from typing import Final

UNALLOCATED: Final = 1
NORMAL_CLEARING: Final = 16
USER_BUSY: Final = 17
NO_USER_RESPONDING: Final = 18
NO_ANSWER: Final = 19
REJECTED: Final = 21
NUMBER_CHANGED: Final = 22
OUT_OF_ORDER: Final = 27
"""Also of an offer whose telephone was lost while it rang."""
INVALID_FORMAT: Final = 28
SILENT: Final = 44
"""With it Asterisk ends a leg from which no sound has come for its endpoint's `rtp_timeout`."""

BY_DEVICE: Final = 1
"""No Q.850: AST_SOFTHANGUP_DEV, which a SoftHangupRequest gives as its cause (22.10.1, measured)."""
