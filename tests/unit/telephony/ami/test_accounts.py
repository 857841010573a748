"""Pure: the table of the three accounts."""

from __future__ import annotations

from telephony.ami.accounts import EVENT_INCLUDE, RIGHTS, SILENCED, NodeAccess, Role
from telephony.translate import EVENTS

SECRETS = {role: f"secret of {role}" for role in Role}


def test_every_event_that_is_understood_is_let_through():
    assert set(EVENTS) <= set(EVENT_INCLUDE)


def test_what_callers_key_in_is_neither_read_nor_let_through():
    assert not {name for name in EVENT_INCLUDE if name.startswith(("DTMF", "VarSet", "Newexten"))}
    for rights in RIGHTS.values():
        assert not {"all", "dtmf", "dialplan", "command", "log", "verbose"} & {*rights.read, *rights.write}
        assert not {"system", "config", "command", "all"} & {*rights.write}


def test_an_account_has_its_own_secret_and_asks_for_its_own_classes():
    access = NodeAccess(host="h", port=5038, secrets=SECRETS)
    accounts = {role: access.account(role) for role in Role}
    assert {role: account.secret for role, account in accounts.items()} == SECRETS
    assert accounts[Role.EVENTS].events == "call,agent,user,system"
    assert accounts[Role.COMMANDS].events == accounts[Role.RESYNC].events == "off"


def test_secrets_are_not_shown():
    access = NodeAccess(host="h", port=5038, secrets=SECRETS)
    assert "secret of" not in repr(access) + repr(access.account(Role.EVENTS))


def test_what_is_silenced_is_read_by_nobody():
    assert not set(SILENCED) & set(EVENT_INCLUDE)
    assert {"Newexten", "DeviceStateChange", "DTMFEnd"} <= set(SILENCED)
