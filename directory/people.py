"""The directory as the edge sees it: fills `web.route.People`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.names import StaffId
from directory.credentials import Credentials
from directory.lookup import Directory
from directory.rights import RIGHTS, SCOPED
from web.route import Given, Principal


class DirectoryPeople:
    """Who may sign in, and what set-up made for them; rights are those of the person's roles, as of now."""

    def __init__(self, directory: Callable[[], Directory], credentials: Credentials) -> None:
        self._directory = directory
        self._credentials = credentials

    def given_password(self, staff: str) -> Given | None:
        """What set-up made; None for those who have left, never were, or were given none."""
        login = self._credentials.staff.get(staff)
        if login is None or not login.password or self.principal(staff) is None:
            return None
        return Given(login.password, login.made_at)

    def principal(self, staff: str) -> Principal | None:
        """The person with all rights of all their roles; None for those who are not here (any more)."""
        directory = self._directory()
        person = directory.staff.get(StaffId(staff))
        if person is None or not person.active:
            return None
        return Principal(
            staff=person.number,
            name=person.name,
            also_called=(person.name_en,),
            roles=person.roles,
            rights=directory.rights(person.number),
            within=partial(directory.within, person.number),
        )

    def known_rights(self) -> frozenset[str]:
        """All rights there are."""
        return frozenset(RIGHTS)

    def scoped_rights(self) -> frozenset[str]:
        """Those of them that are granted as far as somebody's records."""
        return SCOPED
