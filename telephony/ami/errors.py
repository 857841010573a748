"""What can go wrong between us and a node's manager interface.

HotlineError
 └─ AmiError            the root of this package
     ├─ UnsafeAction    an action that could say more than it was meant to; nothing was sent
     ├─ ProtocolBroken  the peer does not speak AMI as we know it; the connection is ended
     ├─ ConnectionGone  the connection broke, or went silent
     ├─ LoginRefused    the account is not accepted; a person has to look
     └─ SnapshotFailed  the node's own picture could not be read whole
"""

from __future__ import annotations

from core.errors import HotlineError


class AmiError(HotlineError):
    """The root of every error of telephony.ami."""


class UnsafeAction(AmiError):
    """An action is refused before it is sent: a value could break out of its line, or is too much for AMI."""


class ProtocolBroken(AmiError):
    """The peer sent something that is not AMI; check that host and port are those of a manager interface."""


class ConnectionGone(AmiError):
    """The connection ended, could not be made, or has been silent for too long."""


class LoginRefused(AmiError):
    """The node does not accept user name and secret; it is not tried again until a person says so."""


class SnapshotFailed(AmiError):
    """A list the snapshot needs did not come whole, so there is no snapshot at all."""
