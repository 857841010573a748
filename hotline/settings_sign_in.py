"""The settings of signing in."""

from __future__ import annotations

from pydantic import Field

from hotline.settings_section import Section


class SessionSettings(Section):
    """[session] how long a sign-in lasts, when one is locked out, and what passwords must be like"""

    idle_minutes: int = Field(
        default=30, ge=1, le=1440, description="ends after so many minutes without a request"
    )
    longest_hours: int = Field(default=12, ge=1, le=72, description="ends after so many hours in any case")
    failures: int = Field(
        default=5, ge=1, le=100, description="wrong passwords in a row that lock a sign-in out"
    )
    lock_minutes: int = Field(default=15, ge=1, le=1440, description="how long it is then locked out")
    password_length: int = Field(default=12, ge=8, le=72, description="least characters of a new password")
    password_days: int = Field(
        default=90, ge=0, le=3650, description="a password has to be changed after so many days; 0: never"
    )
    former_passwords: int = Field(
        default=5, ge=0, le=24, description="so many passwords before the present one may not come again"
    )
    change_initial: bool = Field(
        default=True,
        description="a password made by another is to be changed at the first sign-in; false only where "
        "nobody's work is protected by it, as in the demo",
    )
