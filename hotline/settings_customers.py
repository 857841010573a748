"""The settings of who calls: where a number is looked up, and how long that may take."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from hotline.settings_section import Section

_URL = re.compile(r"https://[^/\s]\S*|http://(?:127\.0\.0\.1|localhost)[:/]\S*")


def _lookup_url(url: str) -> str:
    if url and not _URL.fullmatch(url):
        raise ValueError("begin with https:// (http:// only on this host): it gets telephone numbers")
    return url


class CustomersSettings(Section):
    """[customers] who calls: looked up as a call arrives, which never waits for it"""

    url: Annotated[str, AfterValidator(_lookup_url)] = Field(
        default="",
        description="a system of the bank's that says whose a number is (docs/operations.md); "
        "empty: the customers kept here",
    )
    token: SecretStr = Field(
        default=SecretStr(""), description="the bearer token that it is sent; set it in the environment"
    )
    limit_ms: int = Field(
        default=300,
        ge=10,
        le=5_000,
        description="longest look-up, milliseconds; who is not found by then is ordinary",
    )
    failures: int = Field(
        default=5, ge=1, le=1_000, description="after so many failures in a row it is left alone"
    )
    open_s: float = Field(
        default=30, ge=1, le=3_600, description="for so long, seconds; then one look-up tries it"
    )
