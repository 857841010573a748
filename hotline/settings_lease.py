"""The settings of those who may lead: how long a lease lasts, and where the leader is found."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from hotline.settings_section import Section, origin


def _address(text: str) -> str:
    return origin(text) if text else ""


class LeaseSettings(Section):
    """[lease] a second `hotline serve` that stands by and takes over (PostgreSQL)"""

    term_s: float = Field(
        default=10,
        ge=1,
        le=300,
        description="so long the leader may be gone before another takes over, seconds",
    )
    renew_s: float = Field(
        default=2,
        ge=0.1,
        le=60,
        description="how often it is renewed and looked at: a fifth of `term_s`, or less",
    )
    address: Annotated[str, AfterValidator(_address)] = Field(
        default="",
        description="where web processes reach this program while it leads; empty: they go by `web.leader`",
    )

    @model_validator(mode="after")
    def _renewed_well_before(self) -> LeaseSettings:
        if self.renew_s * 5 > self.term_s:
            raise ValueError(
                "lease.renew_s: the lease would run out between two renewals: a fifth of term_s, or less"
            )
        return self
