"""What the settings want of passwords."""

from __future__ import annotations

from core.clock import DAY
from hotline.settings import Settings
from web.password_rules import PasswordRule


def password_rule(settings: Settings) -> PasswordRule:
    """What passwords must be like."""
    wanted = settings.session
    return PasswordRule(
        length=wanted.password_length,
        good_for=wanted.password_days * DAY,
        former=wanted.former_passwords,
        change_initial=wanted.change_initial,
    )
