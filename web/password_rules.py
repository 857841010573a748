"""What a password must be like, and how long it is good (SEC-12). Pure.

Whether it is simple is asked of zxcvbn, which guesses as people do who break passwords: by words, dates,
keyboard paths and repetitions, and not by how many kinds of characters there are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from zxcvbn_rs_py import zxcvbn

from core.clock import DAY, Duration, Instant
from web.route import Principal

_GOOD_ENOUGH = 4
"""Of zxcvbn's 0 to 4: more than 10^10 guesses. With 3 `Passw0rd2026!!` and `woaini1314520` would pass."""
_LONGEST_GUESSED = 72
_OURS = (
    *("95559", "hotline", "kefu", "rexian", "zhongxin", "yinhang", "jiaotong", "jiaohang", "bocom", "kehu"),
    *("mima", "denglu", "gonghao", "woaini", "5201314", "1314520", "520", "1314", "zhongguo", "beijing"),
    *("shanghai", "nihao", "haoyun", "facai"),
)
"""What zxcvbn's English lists lack and people here would think of first."""


class MustChange(StrEnum):
    """Why somebody may do nothing else before their password is another one."""

    NO = ""
    INITIAL = "initial"
    EXPIRED = "expired"


class Fault(StrEnum):
    """What is wrong with a password; the value is a stable code, by which pages choose their words."""

    SHORT = "short"
    PERSONAL = "personal"
    SIMPLE = "simple"
    USED = "used"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRule:
    """`length`: least characters. `good_for`: after so long it is to be changed; 0: never. `former`: so many
    before may not come again, besides the present one.

    `change_initial`: what another has made is to be changed at the first sign-in. `beside_provider`: those
    who sign in by the provider may use their password as well.
    """

    length: int = 12
    good_for: Duration = 90 * DAY
    former: int = 5
    change_initial: bool = True
    beside_provider: bool = True


def told(fault: Fault, rule: PasswordRule) -> str:
    """The fault in a sentence."""
    return {
        Fault.SHORT: f"is too short: take {rule.length} characters or more",
        Fault.PERSONAL: "holds your number or your name: leave them out",
        Fault.SIMPLE: "is too easily guessed: take several words that do not belong together",
        Fault.USED: f"is one of your last {rule.former + 1}: take one you have not had",
    }[fault]


def faults(password: str, rule: PasswordRule, person: Principal) -> list[Fault]:
    """All that is wrong with it, but whether it was used before: that only the kept ones can say."""
    plain = _plain(password)
    found = []
    if len(password) < rule.length:
        found.append(Fault.SHORT)
    if any(name in plain for name in _names(person)):
        found.append(Fault.PERSONAL)
    if int(zxcvbn(password[:_LONGEST_GUESSED], [*_OURS, *_names(person)]).score) < _GOOD_ENOUGH:
        found.append(Fault.SIMPLE)
    return found


def must_change(rule: PasswordRule, *, initial: bool, changed_at: Instant, now: Instant) -> MustChange:
    """Whether a password that fits has to be changed first."""
    if initial and rule.change_initial:
        return MustChange.INITIAL
    if rule.good_for and now - changed_at >= rule.good_for:
        return MustChange.EXPIRED
    return MustChange.NO


def _names(person: Principal) -> Iterator[str]:
    yield person.staff
    for name in (person.name, *person.also_called):
        parts = re.findall(r"\w+", _plain(name))
        for part in ("".join(parts), *parts):
            # Two Chinese characters are a name; fewer than four Latin letters are in half of all words.
            if len(part) >= (4 if part.isascii() else 2):
                yield part


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
