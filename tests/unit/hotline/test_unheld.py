"""What nobody holds of the shipped roles' rights is told, and how it is given; what is held at all is not."""

from __future__ import annotations

from dataclasses import replace

from directory.lookup import Directory
from directory.seed import DEMO, load
from hotline.findings import Weight, of_unheld
from hotline.unheld import unheld
from web.scope import Scope

SHIPPED = load(DEMO)


def kept(without: tuple[str, ...] = (), **roles: dict[str, Scope]) -> Directory:
    """The shipped directory, as a hotline may have kept it since a version that did not know these rights."""
    changed = {
        code: replace(role, rights={right: far for right, far in role.rights.items() if right not in without})
        for code, role in SHIPPED.roles.items()
    }
    for code, more in roles.items():
        changed[code] = replace(changed[code], rights={**changed[code].rights, **more})
    return replace(SHIPPED, roles=changed)


def test_as_it_is_shipped_everything_is_held() -> None:
    assert unheld(SHIPPED) == {}
    assert of_unheld({}).weight is Weight.GOOD


def test_rights_of_a_newer_version_are_told_by_role_as_far_as_they_are_shipped() -> None:
    found = unheld(kept(without=("calls.join", "customers.find")))
    assert found == {
        "agent": ("customers.find",),
        "leader": ("calls.join.team", "customers.find"),
        "supervisor": ("calls.join.unit", "customers.find"),
        "qa": ("customers.find",),
        "admin": ("customers.find",),
    }
    line = of_unheld(found).line()
    assert "leader: calls.join.team, customers.find; supervisor: " in line
    assert "/api/directory/entries?section=roles&key=ROLE" in line


def test_what_somebody_holds_in_any_role_and_however_far_is_held() -> None:
    assert unheld(kept(without=("calls.join",), qa={"calls.join": Scope.OWN})) == {}


def test_a_role_that_nobody_has_any_more_holds_nothing() -> None:
    left = {
        number: replace(person, active=person.active and "admin" not in person.roles)
        for number, person in SHIPPED.staff.items()
    }
    found = unheld(replace(SHIPPED, staff=left))
    assert set(found) == {"admin"}
    assert "directory.change" in found["admin"]
