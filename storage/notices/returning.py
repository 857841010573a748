"""How a mail that comes back is known as ours: by a token we signed, in the address it comes back to. Pure.

The token is the notice's number with its carrier and a signature over it. It stands in the envelope's sender,
so that any mail system brings it back whatever it leaves out of the mail, and in the Message-ID, for those
that have no address for each mail. A mail without a token of ours is believed nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from core.errors import BadInput
from core.names import fits

PLACE = "*"
"""Where the token goes in an address: `hotline+*@bank.example`, `back-*@notices.bank.example`."""
_TOKEN = re.compile(r"(?<![0-9a-f])([0-9a-f]{32})-([0-9a-f]{16})(?![0-9a-f])")
_LONGEST_LOCAL_PART = 64
_SAMPLE = f"{'0' * 32}-{'0' * 16}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """`address`: where mail comes back to, with PLACE for the token or without. `key`: what signs it."""

    address: str
    key: bytes = field(repr=False)

    def token(self, provider_id: str) -> str:
        """For the notice of that number."""
        return f"{provider_id}-{self._signature(provider_id)}"

    def sender(self, provider_id: str) -> str:
        """The envelope's sender for that notice."""
        return self.address.replace(PLACE, self.token(provider_id))

    def numbers_in(self, text: str) -> list[str]:
        """The numbers of notices whose tokens stand in `text` and are signed by us, each once."""
        found = dict.fromkeys(_TOKEN.findall(text.lower()))
        return [number for number, sign in found if hmac.compare_digest(sign, self._signature(number))]

    def _signature(self, provider_id: str) -> str:
        return hmac.new(self.key, provider_id.encode(), hashlib.sha256).hexdigest()[:16]


def check_returns_address(address: str, where: str) -> None:
    """`BadInput` if mail cannot come back to it."""
    sample = address.replace(PLACE, _SAMPLE)
    if address.count(PLACE) > 1 or not fits("mail", sample):
        raise BadInput(where, f"write an address, with {PLACE} once where a mark of each mail may stand")
    if len(sample.partition("@")[0]) > _LONGEST_LOCAL_PART:
        room = _LONGEST_LOCAL_PART - len(_SAMPLE)
        raise BadInput(where, f"before the @ there is room for {room} characters besides the {PLACE}")
