"""Rules on customers: how numbers are written, what details may be, what is hidden of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

from core.dialling import known
from core.errors import BadInput
from core.masking import mask_text
from customers.model import Customer, Details, Level
from directory.errors import Refusal

MOST_NUMBERS = 10
MOST_NAME, MOST_NOTE = 100, 2_000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,23}")
_NUMBER = re.compile(r"\+?[0-9]{3,20}")


def check_number(written: str, where: str) -> str:
    """A telephone number as `core.dialling.known` writes it; `BadInput` for what is none."""
    number = known(written)
    if not _NUMBER.fullmatch(number):
        raise BadInput(where, "is no telephone number: 3 to 20 digits, + before a foreign country's code")
    return number


def check_id(id_: str, where: str) -> str:
    """A customer number; `BadInput` for what cannot be one."""
    if not _ID.fullmatch(id_):
        raise BadInput(where, "is no customer number: 1 to 24 letters, digits and hyphens")
    return id_


def tidy(details: Details) -> Details:
    """With numbers as they are kept, each once."""
    numbers = tuple(dict.fromkeys(map(known, details.numbers)))
    return replace(details, name=details.name.strip(), numbers=numbers)


def refusals(details: Details, languages: Collection[str]) -> list[Refusal]:
    """Everything that is wrong with tidied details. `languages`: the codes there are.

    No number is repeated in what is told: it may come back in a log.
    """
    found = []
    if not 0 < len(details.name) <= MOST_NAME:
        found.append(Refusal("name", f"a customer has a name of 1 to {MOST_NAME} characters"))
    elif mask_text(details.name) != details.name:
        found.append(Refusal("name", "holds what looks like a card or identity number: leave it out"))
    if details.language and details.language not in languages:
        known = ", ".join(sorted(languages))
        found.append(Refusal("language", f"there is no language {details.language[:8]!r}; known: {known}"))
    if len(details.numbers) > MOST_NUMBERS:
        found.append(Refusal("numbers", f"are more than {MOST_NUMBERS}"))
    for place, number in enumerate(details.numbers, 1):
        if not _NUMBER.fullmatch(number):
            found.append(Refusal("numbers", f"the {place}. is no telephone number of 3 to 20 digits"))
    return found


def is_current(customer: Customer, today: date) -> bool:
    """Whether they are a customer on that day."""
    until = customer.details.until
    return until is None or today <= until


def most_favoured_first(found: Iterable[Customer]) -> list[Customer]:
    """Those who share a number, in the order in which they decide how a call from it is served."""
    return sorted(found, key=lambda one: (-one.details.level.rank, one.id))


def highest(found: Iterable[Customer]) -> Level:
    """How a call from a number is served that these share; nobody is ordinary."""
    return max((one.details.level for one in found), key=lambda level: level.rank, default=Level.ORDINARY)


@dataclass(frozen=True, slots=True)
class Served:
    """How a call from a number is served: first, in a language (`""`: as anybody)."""

    first: bool
    language: str


def served(found: Iterable[tuple[str, Customer]], today: date) -> dict[str, Served]:
    """Number → how it is served, of those alone that are not served as anybody is."""
    of_number: dict[str, list[Customer]] = {}
    for number, customer in found:
        if is_current(customer, today):
            of_number.setdefault(number, []).append(customer)
    return {
        number: how
        for number, sharing in of_number.items()
        if (how := _how(most_favoured_first(sharing))) != _ORDINARY
    }


_ORDINARY = Served(first=False, language="")


def _how(sharing: Sequence[Customer]) -> Served:
    """The most favoured decides, as where a call is looked up."""
    details = sharing[0].details
    return _one_of_few(details.level.rank > 0, details.language)


@cache
def _one_of_few(first: bool, language: str) -> Served:
    """A hundred thousand numbers share them: the collector would have as many objects to look through."""
    return Served(first, language)


def mask_name(name: str) -> str:
    """`张三丰` → `张**`: enough to greet by, not enough to name someone."""
    return name[:1] + "*" * (len(name) - 1) if len(name) > 1 else "*"
